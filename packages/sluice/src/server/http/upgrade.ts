import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { WebSocketServer } from "ws";
import { isAuthorised, isSameSecret } from "../access/authorisation.ts";
import { checkOrigin, type OriginRules } from "../access/origins.ts";
import { Refusal } from "../api-reply.ts";
import { greet } from "../sockets/greeting.ts";
import type { Served } from "../sockets/served.ts";
import { findSocket } from "../sockets/socket-table.ts";
import { refuseConnection } from "./raw-answer.ts";
import type { SocketCounts } from "./socket-counts.ts";

/** What websockets are let in by. */
export interface UpgradeRules {
  readonly served: Served;
  readonly sockets: WebSocketServer;
  readonly counts: SocketCounts;
  readonly origins: OriginRules;
  readonly authString: string | null;
}

/** A request to become a websocket. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

/**
 * Lets a websocket in, or refuses it before it is one: 403 for a path that takes none, for a page of another origin, and for credentials that are wrong or
 * missing; 429 when there are too many.
 *
 * Browsers cannot send a header, so a client of the sub-protocol may come without one: its token is asked for before anything else is read.
 */
export function upgrade(rules: UpgradeRules, asked: UpgradeRequest): void {
  const { served, sockets, authString } = rules;
  const { request, socket, head } = asked;
  socket.on("error", (error) => tell(served, error));
  const found = findSocket(request.url?.split("?", 1)[0] ?? "");
  try {
    checkOrigin(request.headers, rules.origins);
    if (!found || !mayGreet(request, authString, found.route.needsProtocol ?? false))
      throw new Refusal(403, "Forbidden");
    rules.counts.add(socket);
  } catch (error) {
    // All of the three throw refusals only.
    return refuseConnection(socket, error as Refusal);
  }
  const { route, params } = found;
  const isToken = authString === null ? null : (token: string) => isSameSecret(token, authString);
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on("error", (error) => tell(served, error));
    greet(webSocket, { isToken, refusal: route.refusal }, () => route.serve(served, webSocket, params));
  });
}

function mayGreet(request: IncomingMessage, authString: string | null, needsProtocol: boolean): boolean {
  const header = request.headers.authorization ?? null;
  if (header !== null && !isAuthorised(authString, { path: "", header })) return false;
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  return offered.some((name) => name.trim() === "prefect") || (authString === null && !needsProtocol);
}

/** A client that breaks the protocol, or its connection, has been told by the close code: the server's log has no place for what anybody may send. */
function tell(served: Served, error: NodeJS.ErrnoException): void {
  const { code = "" } = error;
  if (!code.startsWith("WS_ERR_") && code !== "ECONNRESET" && code !== "EPIPE") served.onError(error);
}
