/** The server: `startServer` for a process of its own, the parts for whoever embeds it. Loaded only where it is needed. */
import { join } from "node:path";
import { SluiceError } from "../wire/errors.ts";
import { listen, type Listening } from "./http/listen.ts";
import type { HttpOptions } from "./http/request-listener.ts";
import { ServerCore, type ServerCoreOptions } from "./server-core.ts";

export { ServerCore, type ServerCoreOptions } from "./server-core.ts";
export type { HttpOptions } from "./http/request-listener.ts";
export type { ApiAnswerer, Served } from "./sockets/served.ts";
export { listen, type ListenAddress, type Listening } from "./http/listen.ts";
export type { ApiCall, ApiReply } from "./api-reply.ts";
export { openApiDocument } from "./openapi.ts";

/** How a server is started. */
export interface StartServerOptions extends Omit<ServerCoreOptions, "databaseFile">, HttpOptions {
  /** Default 127.0.0.1: only this machine. */
  readonly host?: string;
  /** Default 4200; 0 takes a free one. */
  readonly port?: number;
  /** The SQLite file; default `sluice.db` in `home`. One of the two must be given. */
  readonly databaseFile?: string;
  readonly home?: string;
}

/** A running server. */
export interface RunningServer {
  /** Base of the API, as `http://127.0.0.1:4200/api`. */
  readonly apiUrl: string;
  readonly port: number;
  readonly core: ServerCore;
  /** Answers what is under way, commits and closes everything. A second call does nothing more. */
  close(): Promise<void>;
}

/**
 * Opens a database and serves it over HTTP. Resolves when it listens.
 *
 * @throws SluiceError `SLUICE_PORT_IN_USE`, `SLUICE_DATABASE_CORRUPT`, `SLUICE_DATABASE_NEWER`, `SLUICE_HOME_UNWRITABLE`, `SLUICE_DISK_FULL`, `SLUICE_OPTION_INVALID`
 */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 4200, home, databaseFile, ...rest } = options;
  const file = databaseFile ?? (home === undefined ? undefined : join(home, "sluice.db"));
  if (file === undefined)
    throw new SluiceError("SLUICE_OPTION_INVALID", "startServer needs a databaseFile or a home, got neither.");
  const core = ServerCore.open({ ...rest, databaseFile: file });
  let listening: Listening;
  try {
    listening = await listen(core, { host, port }, options);
  } catch (error) {
    await core.close();
    throw error;
  }
  const shown = host.includes(":") ? `[${host}]` : host;
  const actual = listening.port ?? port;
  const close = async (): Promise<void> => {
    core.stopHolding();
    await listening.close();
    await core.close();
  };
  return { apiUrl: `http://${shown}:${actual}/api`, port: actual, core, close };
}
