import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { WebSocketServer } from "ws";
import { checkOrigin } from "../access/origins.ts";
import { neededSocketScope, suffices, type Scope } from "../access/scopes.ts";
import { Refusal } from "../api-reply.ts";
import { greet } from "../sockets/greeting.ts";
import type { Served } from "../sockets/served.ts";
import { findSocket } from "../sockets/socket-table.ts";
import { refuseConnection } from "./raw-answer.ts";
import type { Access } from "./request-listener.ts";
import type { SocketCounts } from "./socket-counts.ts";
import { countReceived } from "./young-garbage.ts";

/** What websockets are let in by. */
export interface UpgradeRules {
  readonly served: Served;
  readonly sockets: WebSocketServer;
  readonly counts: SocketCounts;
  readonly access: Access;
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
  const { served, sockets, access } = rules;
  const { request, socket, head } = asked;
  const path = request.url?.split("?", 1)[0] ?? "";
  socket.on("error", (error) => tell(served, error));
  const found = findSocket(path);
  const asker = { access, request, needed: neededSocketScope(path), address: socket.remoteAddress ?? "" };
  try {
    checkOrigin(request.headers, access.origins);
    if (!found || !mayGreet(asker, found.route.needsProtocol ?? false)) throw new Refusal(403, "Forbidden");
    rules.counts.add(socket);
  } catch (error) {
    // All of these throw refusals only.
    return refuseConnection(socket, error as Refusal);
  }
  const { route, params } = found;
  const isToken = access.gatekeeper.asks() ? (token: string) => isGoodToken(asker, token) : null;
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    socket.on("data", (chunk: Buffer) => countReceived(chunk.length));
    webSocket.on("error", (error) => tell(served, error));
    greet(webSocket, { isToken, refusal: route.refusal }, () => route.serve(served, webSocket, params));
  });
}

/** Who wants a websocket, and what for. */
interface Asker {
  readonly access: Access;
  readonly request: IncomingMessage;
  readonly needed: Scope;
  readonly address: string;
}

/** @throws Refusal 429 */
function mayGreet({ access: { gatekeeper }, request, needed, address }: Asker, needsProtocol: boolean): boolean {
  const header = request.headers.authorization;
  if (header !== undefined && gatekeeper.asks()) {
    const scope = gatekeeper.scopeOfHeader(header, address);
    if (scope === undefined || !suffices(scope, needed)) return false;
  }
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  return offered.some((name) => name.trim() === "prefect") || (!gatekeeper.asks() && !needsProtocol);
}

function isGoodToken({ access, needed, address }: Asker, token: string): boolean {
  try {
    const scope = access.gatekeeper.scopeOfToken(token, address);
    return scope !== undefined && suffices(scope, needed);
  } catch (error) {
    if (error instanceof Refusal) return false; // Too many failures: a socket that is open is told nothing more than that its token is not taken.
    throw error;
  }
}

/** A client that breaks the protocol, or its connection, has been told by the close code: the server's log has no place for what anybody may send. */
function tell(served: Served, error: NodeJS.ErrnoException): void {
  const { code = "" } = error;
  if (!code.startsWith("WS_ERR_") && code !== "ECONNRESET" && code !== "EPIPE") served.onError(error);
}
