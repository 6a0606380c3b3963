import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer } from "ws";
import { SluiceError } from "../../wire/errors.ts";
import { Refusal } from "../api-reply.ts";
import type { Served } from "../sockets/served.ts";
import { MAX_FRAME_BYTES } from "../sockets/socket-table.ts";
import { BoundedSocket } from "./bounded-socket.ts";
import { ConnectionWatch } from "./connection-watch.ts";
import { refuseConnection } from "./raw-answer.ts";
import { accessOf, MAX_HEADERS, requestListener, type Access, type HttpOptions } from "./request-listener.ts";
import { SocketCounts } from "./socket-counts.ts";
import { upgrade } from "./upgrade.ts";

/** Where a server listens: a port of an address, or a unix socket. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** A listening server. */
export interface Listening {
  /** The port that was asked for, or the free one that port 0 became; null for a unix socket. */
  readonly port: number | null;
  /** Whether its requests have to bring credentials. */
  asksForCredentials(): boolean;
  /** Answers what is under way, closes all sockets; what is served stays open. */
  close(): Promise<void>;
}

/** From the first byte of a request, or the opening of its connection, to the end of its headers. */
const HEADER_TIMEOUT_MS = 10_000;
/** From the first byte of a request to the last byte of its body. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How exactly the two are kept. */
const CHECK_EVERY_MS = 1000;
/** Longer than clients keep a connection that they do not use: else one would send a request just as it is closed. */
const IDLE_TIMEOUT_MS = 75_000;
/** Without a byte in either direction: a held request is answered within 30 s, so its client has gone. */
const SILENCE_TIMEOUT_MS = 90_000;
/** Request line and headers together. */
const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 10_000;
const CLOSE_AFTER_MS = 2000;

/** Pieces of one message, and of what was received and not read: more is no client of ours. */
const MAX_FRAGMENTS = 1024;
const MAX_BUFFERED_CHUNKS = 16_384;

/**
 * Serves a core, or what stands for one, over HTTP and websockets. Resolves when it listens.
 *
 * @throws SluiceError `SLUICE_PORT_IN_USE`, `SLUICE_OPTION_INVALID` for a file that holds no API keys
 */
export async function listen(served: Served, address: ListenAddress, options: HttpOptions = {}): Promise<Listening> {
  const access = accessOf(options);
  const watch = new ConnectionWatch();
  const server = createServer(
    {
      headersTimeout: HEADER_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      noDelay: true,
    },
    requestListener(served, { watch, access }, options),
  );
  server.timeout = SILENCE_TIMEOUT_MS;
  // One more than are taken: what is beyond is dropped without a word.
  server.maxHeadersCount = MAX_HEADERS + 1;
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket: Socket) => watch.add(socket));
  server.on("checkContinue", (request, response) => server.emit("request", request, response));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code === "ECONNRESET" || !socket.writable || watch.isWorking(socket as Socket)) socket.destroy();
    else refuseConnection(socket, explainClientError(error));
  });
  const sockets = serveSockets(server, { served, watch, access });
  await bind(server, address);
  if ("socketPath" in address) chmodSync(address.socketPath, 0o600);
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : null;
  return {
    port,
    asksForCredentials: () => access.gatekeeper.asks(),
    close: () => {
      watch.stop();
      return close(server, sockets);
    },
  };
}

function serveSockets(
  server: Server,
  { served, watch, access }: { readonly served: Served; readonly watch: ConnectionWatch; readonly access: Access },
): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    autoPong: false,
    maxPayload: MAX_FRAME_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has("prefect") ? "prefect" : false),
    WebSocket: BoundedSocket,
  });
  const counts = new SocketCounts();
  const rules = { served, sockets, counts, access };
  server.on("upgrade", (request, socket, head) => {
    // An HTTP server over TCP or a unix socket hands its own sockets over.
    const connection = socket as Socket;
    watch.release(connection);
    upgrade(rules, { request, socket: connection, head });
  });
  return sockets;
}

/** What is said to a client whose bytes are no request, or do not come. */
function explainClientError({ code, message }: NodeJS.ErrnoException): Refusal {
  if (code === "HPE_HEADER_OVERFLOW")
    return new Refusal(431, `The path and headers of a request may have ${MAX_HEADER_BYTES} bytes at most.`);
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return new Refusal(413, "The extensions of a chunk are too long.");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    const limits = `its headers within ${HEADER_TIMEOUT_MS / 1000} s, all of it within ${REQUEST_TIMEOUT_MS / 1000} s`;
    return new Refusal(408, `The request did not come in time: ${limits}.`);
  }
  return new Refusal(400, `This is no HTTP request: ${message}.`);
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
