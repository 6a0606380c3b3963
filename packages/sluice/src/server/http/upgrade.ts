import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocketServer } from "ws";
import { greet } from "../sockets/greeting.ts";
import type { Served } from "../sockets/served.ts";
import { findSocket } from "../sockets/socket-table.ts";
import { isAuthorised, isSameSecret } from "./authorisation.ts";

/** A request to become a websocket. */
interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly corsAllowedOrigins: readonly string[];
  readonly authString: string | null;
}

/**
 * Lets a websocket in, or answers 403: a path that takes none, a page of another origin, credentials that are wrong or missing.
 *
 * Browsers cannot send a header, so a client of the sub-protocol may come without one: its token is asked for before anything else is read.
 */
export function upgrade(served: Served, sockets: WebSocketServer, asked: Upgrade): void {
  const { request, socket, head, authString } = asked;
  const path = request.url?.split("?", 1)[0] ?? "";
  const found = findSocket(path);
  if (!found || !isOwnOrigin(asked) || !mayGreet(asked, found.route.needsProtocol ?? false)) {
    socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  const { route, params } = found;
  const isToken = authString === null ? null : (token: string) => isSameSecret(token, authString);
  socket.on("error", (error) => served.onError(error));
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on("error", (error) => served.onError(error));
    greet(webSocket, { isToken, refusal: route.refusal }, () => route.serve(served, webSocket, params));
  });
}

function isOwnOrigin({ request, corsAllowedOrigins }: Upgrade): boolean {
  const { origin, host } = request.headers;
  return origin === undefined || origin === `http://${host}` || corsAllowedOrigins.includes(origin);
}

function mayGreet({ request, authString }: Upgrade, needsProtocol: boolean): boolean {
  const header = request.headers.authorization ?? null;
  if (header !== null && !isAuthorised(authString, { path: "", header })) return false;
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  return offered.some((name) => name.trim() === "prefect") || (authString === null && !needsProtocol);
}
