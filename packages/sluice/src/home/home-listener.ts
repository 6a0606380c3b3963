import { chmodSync, rmSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isSluiceError } from "../wire/errors.ts";
import type { ApiRequest, ApiResponse } from "../client/transport.ts";

type Answer = (request: ApiRequest, signal: AbortSignal) => Promise<ApiResponse>;

/**
 * The leader's ear: HTTP on the unix socket of the home.
 *
 * Only processes of the owner can connect (the socket's directory is closed to others), so there is no authentication and no limit on idle
 * connections: an idle one is how a follower notices the death of its leader.
 */
export interface HomeListener {
  /** Takes no further request and removes the socket; requests that arrive later over open connections find these cut. */
  stopAccepting(): void;
  /** Cuts the connections that are still open. */
  cut(): void;
}

/**
 * Listens on `socketPath` for the processes of the home; a socket left by a dead leader is replaced, so only the holder of the leader's lock
 * may call this.
 */
export async function listenForHome(socketPath: string, answer: Answer): Promise<HomeListener> {
  const http = process.getBuiltinModule("node:http");
  const sockets = new Set<Socket>();
  let stopped = false;
  const server = http.createServer((request, response) => {
    if (stopped) request.socket.destroy();
    else void exchange(request, response, answer);
  });
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  rmSync(socketPath, { force: true });
  await listen(server, socketPath);
  chmodSync(socketPath, 0o600);
  return {
    stopAccepting: () => {
      stopped = true;
      // Closes the listening socket and removes its file, which no other leader can have made: the lock is still ours.
      server.close();
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function exchange(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Error("the client is gone"));
  });
  const result = await answerOf(request, answer, gone.signal);
  response.writeHead(result.status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(result.body),
    ...result.headers,
  });
  response.end(result.body);
}

async function answerOf(request: IncomingMessage, answer: Answer, signal: AbortSignal): Promise<ApiResponse> {
  try {
    const body = await readBody(request);
    // Node's parser admits known methods only; the server answers 404 or 405 to those it does not serve.
    const method = request.method as ApiRequest["method"];
    const userAgent = request.headers["user-agent"];
    const origin = request.headers["x-sluice-origin"];
    const passed = {
      method,
      path: request.url ?? "/",
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(typeof origin === "string" ? { origin } : {}),
      ...(request.headers["x-prefect-ui"] === "true" ? { isPage: true } : {}),
    };
    return await answer(body === "" ? passed : { ...passed, body }, signal);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const status = isSluiceError(error) && error.retryable ? 503 : 500;
    return { status, body: JSON.stringify({ exception_message: "Internal Server Error", detail }) };
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  // A request without an encoding set yields buffers.
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
