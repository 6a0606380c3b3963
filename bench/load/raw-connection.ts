import { connect, type Socket } from "node:net";

/** What a server answered. */
export interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** Requests that are waiting: HTTP/1.1 answers in order, and only one is under way. */
interface Waiting {
  readonly resolve: (answer: RawAnswer) => void;
  readonly reject: (reason: Error) => void;
}

const HEADER_END = "\r\n\r\n";

/**
 * One keep-alive connection that speaks as little HTTP as a load generator needs, because Node's own client costs as much CPU a request as the
 * server that is measured.
 */
export class RawConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #waiting: Waiting | undefined;
  #received = "";

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (chunk: string) => this.#take(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  /** Connects to a port of this machine. */
  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawConnection(socket, `127.0.0.1:${port}`));
      });
    });
  }

  /** Sends one request and resolves to its answer, whatever the status. Only one may be under way. */
  send(method: string, path: string, body: string): Promise<RawAnswer> {
    if (this.#waiting) return Promise.reject(new Error("A request is under way on this connection."));
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    this.#waiting = { resolve, reject };
    const length = Buffer.byteLength(body);
    this.#socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nUser-Agent: prefect/3.8.8 (API 0.8.4)\r\nAccept: */*\r\nX-PREFECT-API-VERSION: 0.8.4\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`,
    );
    return promise;
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#received = this.#received === "" ? chunk : this.#received + chunk;
    const end = this.#received.indexOf(HEADER_END);
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    const bodyStart = end + HEADER_END.length;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const bodyEnd = length === undefined ? chunkedEnd(this.#received, bodyStart, head) : bodyStart + Number(length);
    if (bodyEnd === undefined || this.#received.length < bodyEnd) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const body = this.#received.slice(bodyStart, bodyEnd);
    this.#received = this.#received.slice(bodyEnd);
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/** Where an answer without a length ends: at the closing chunk, or at once for one without a body. */
function chunkedEnd(received: string, bodyStart: number, head: string): number | undefined {
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return bodyStart;
  const last = received.indexOf("0\r\n\r\n", bodyStart);
  return last < 0 ? undefined : last + "0\r\n\r\n".length;
}
