import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { WebSocketServer } from "ws";
import { SluiceError } from "../../wire/errors.ts";
import type { Served } from "../sockets/served.ts";
import { MAX_FRAME_BYTES } from "../sockets/socket-table.ts";
import { upgrade } from "./upgrade.ts";
import { createWebApp, type WebAppOptions } from "./web-app.ts";

/** Where a server listens: a port of an address, or a unix socket. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** A listening server. */
export interface Listening {
  /** The port that was asked for, or the free one that port 0 became; null for a unix socket. */
  readonly port: number | null;
  /** Answers what is under way, closes all sockets; what is served stays open. */
  close(): Promise<void>;
}

const HEADER_TIMEOUT_MS = 10_000;
/** A held request is answered within 30 s; nothing is silent for longer. */
const REQUEST_TIMEOUT_MS = 60_000;
const CLOSE_AFTER_MS = 2000;

/**
 * Serves a core, or what stands for one, over HTTP and websockets. Resolves when it listens.
 *
 * @throws SluiceError `SLUICE_PORT_IN_USE`
 */
export async function listen(served: Served, address: ListenAddress, options: WebAppOptions = {}): Promise<Listening> {
  const app = createWebApp(served, options);
  const server = createServer(
    { headersTimeout: HEADER_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    getRequestListener(app.fetch),
  );
  const sockets = new WebSocketServer({
    noServer: true,
    autoPong: false,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has("prefect") ? "prefect" : false),
  });
  const { corsAllowedOrigins = [], authString = null } = options;
  server.on("upgrade", (request, socket, head) =>
    upgrade(served, sockets, { request, socket, head, corsAllowedOrigins, authString }),
  );
  await bind(server, address);
  if ("socketPath" in address) chmodSync(address.socketPath, 0o600);
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : null;
  return { port, close: () => close(server, sockets) };
}

function bind(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(explain(error, address));
    server.once("error", fail);
    server.listen(
      "socketPath" in address ? { path: address.socketPath } : { host: address.host, port: address.port },
      () => {
        server.off("error", fail);
        resolve();
      },
    );
  });
}

function explain(error: NodeJS.ErrnoException, address: ListenAddress): Error {
  if (error.code !== "EADDRINUSE") return error;
  const where = "socketPath" in address ? address.socketPath : `${address.host}:${address.port}`;
  return new SluiceError(
    "SLUICE_PORT_IN_USE",
    `Another program listens on ${where}. Stop it, or choose another port with --port.`,
    { cause: error },
  );
}

async function close(server: Server, sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.close(1001, "The server is going away");
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
  }, CLOSE_AFTER_MS);
  await closed;
  clearTimeout(timer);
}
