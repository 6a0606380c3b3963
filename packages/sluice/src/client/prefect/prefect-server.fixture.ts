import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { WebSocketServer, type WebSocket } from "ws";
import type { UrlAddress } from "../http-transport.ts";

/** A request as it came. */
export interface SeenRequest {
  readonly call: string;
  readonly body: unknown;
  readonly headers: IncomingMessage["headers"];
}

/** The ends of a Prefect server that the client talks to, with what it is told scripted by a test. */
export class FakePrefect {
  readonly requests: SeenRequest[] = [];
  readonly events: { readonly id: string; readonly event: string }[] = [];
  /** Filters of those that listen to events. */
  readonly filters: unknown[] = [];
  /** The token that websockets must bring. */
  token: string | null = null;
  answer: (request: SeenRequest) => {
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
  } = () => ({ status: 404 });
  readonly #listeners = new Set<WebSocket>();
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "prefect" });
  readonly #http = createServer((request, response) => {
    void text(request).then((body) => {
      const call = `${request.method ?? ""} ${request.url ?? ""}`;
      const seen = { call, body: body === "" ? undefined : (JSON.parse(body) as unknown), headers: request.headers };
      this.requests.push(seen);
      const { status, body: answer, headers } = this.answer(seen);
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(answer === undefined ? "" : JSON.stringify(answer));
    });
  });

  async start(): Promise<UrlAddress> {
    this.#http.on("upgrade", (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#greet(webSocket, request.url ?? ""));
    });
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    const address = this.#http.address();
    return { url: `http://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}/api` };
  }

  /** Tells all that listen of an event. */
  tell(event: object): void {
    for (const socket of this.#listeners) socket.send(JSON.stringify({ type: "event", event }));
  }

  /** Cuts the websockets. */
  cut(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }

  #greet(socket: WebSocket, path: string): void {
    socket.on("close", () => this.#listeners.delete(socket));
    socket.once("message", (data: Buffer) => {
      const { token } = JSON.parse(data.toString()) as { readonly token: string | null };
      if (token !== this.token) return socket.close(1008, "Invalid token");
      socket.send(JSON.stringify({ type: "auth_success" }));
      socket.on("message", (message: Buffer) => {
        const told = JSON.parse(message.toString()) as { id: string; event: string; filter?: unknown };
        if (path.endsWith("/events/in")) this.events.push(told);
        else {
          this.filters.push(told.filter);
          this.#listeners.add(socket);
        }
      });
    });
  }
}
