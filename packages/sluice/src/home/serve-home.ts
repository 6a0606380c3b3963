import { join } from "node:path";
import type { Settings } from "../client/settings.ts";
import { SluiceError } from "../wire/errors.ts";
import type { ApiRequest } from "../client/transport.ts";
import type { ApiCall } from "../server/api-reply.ts";
import { API_KEY_FILE } from "../server/access/api-key-file.ts";
import { redact } from "../server/access/redact.ts";
import { listen } from "../server/http/listen.ts";
import type { Served } from "../server/sockets/served.ts";
import { type Home, openHome } from "./home.ts";

/** Where and what `sluice server start` serves. */
export interface ServeHomeOptions {
  /** Its home, database, lease and CORS settings count; `apiUrl` does not. */
  readonly settings: Settings;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** A home being served. */
export interface ServedHome {
  /** `http://127.0.0.1:4200`, without the `/api`. */
  readonly url: string;
  readonly port: number;
  /** Whether its requests have to bring credentials. */
  asksForCredentials(): boolean;
  /** Answers what is under way, closes the sockets and hands the home over. A second call waits for the first. */
  close(): Promise<void>;
}

/**
 * Serves a home on a TCP port: HTTP in this thread, the store in the home thread.
 *
 * The process joins the home like any other: it leads it, or follows the process that does and takes over when that one ends. So a server
 * may be started while flows run on the home, and flows go on when the server ends.
 *
 * @throws SluiceError `SLUICE_PORT_IN_USE`, and what `openHome` throws
 */
export async function serveHome({ settings, host, port }: ServeHomeOptions): Promise<ServedHome> {
  const urlAt = (bound: number): string => `http://${host.includes(":") ? `[${host}]` : host}:${String(bound)}`;
  const uiUrl = settings.uiUrl ?? (port === 0 ? null : urlAt(port));
  const home = await openHome({ ...settings, apiUrl: null, uiUrl });
  try {
    const listening = await listen(
      served(home, settings.serverApiAuthString),
      { host, port },
      {
        corsAllowedOrigins: settings.serverCorsAllowedOrigins,
        allowedHosts: settings.serverAllowedHosts,
        apiKeyFile: join(settings.home, API_KEY_FILE),
        csrfTokenSeconds: settings.serverCsrfProtectionEnabled ? settings.serverCsrfTokenExpirationSeconds : null,
        bodyLimitMb: settings.serverBodyLimitMb,
        authString: settings.serverApiAuthString,
        uiDirectory: settings.serverUiStaticDirectory,
        uiApiUrl: settings.serverUiApiUrl,
      },
    );
    const bound = listening.port ?? port;
    let closing: Promise<void> | undefined;
    return {
      url: urlAt(bound),
      port: bound,
      asksForCredentials: () => listening.asksForCredentials(),
      close: () => (closing ??= listening.close().then(() => home.close())),
    };
  } catch (error) {
    await home.close();
    throw error;
  }
}

/** What answers: the home thread, by strings. */
function served({ transport }: Home, authString: string | null): Served {
  return {
    handle: (call, signal) => transport.send(requestOf(call), signal),
    takeEvent: async (event) => {
      const { status, body } = await transport.send({
        method: "POST",
        path: "/api/events",
        body: JSON.stringify([event]),
      });
      if (status !== 204)
        throw new SluiceError("SLUICE_API_REFUSED", `An event was not stored: ${String(status)} ${body}`);
    },
    onError: (error) => {
      const text = redact(String(error), [authString]);
      process.stderr.write(`sluice server: ${text}\n`);
    },
  };
}

function requestOf({ method, path, body, userAgent, origin, isPage }: ApiCall): ApiRequest {
  return {
    // The route table holds no other methods, so any other is answered as an unknown route; the transport carries it as text.
    method: method as ApiRequest["method"],
    path,
    ...(body === undefined ? {} : { body }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(origin === undefined ? {} : { origin }),
    ...(isPage === undefined ? {} : { isPage }),
  };
}
