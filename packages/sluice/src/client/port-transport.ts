import type { MessagePort } from "node:worker_threads";
import { type ErrorCode, isSluiceError, SluiceError } from "../wire/errors.ts";
import type { ApiRequest, ApiResponse, Transport } from "./transport.ts";

/** What the near end of a port says: a request under a number of its own, or that an answer is no longer wanted. */
type PortRequest = (ApiRequest & { readonly id: number }) | { readonly cancel: number };

/** What the far end says: the answer, or why there is none. */
type PortAnswer =
  | (ApiResponse & { readonly id: number })
  | { readonly id: number; readonly failed: string; readonly code: ErrorCode };

interface Waiting {
  readonly resolve: (response: ApiResponse) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Sends requests through a MessagePort, at whose other end {@link servePort} answers.
 *
 * Keeps its process or thread alive only while a request is under way.
 */
export class PortTransport implements Transport {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed = false;

  /** @param port is this transport's own from now on */
  constructor(port: MessagePort) {
    this.#port = port;
    // Only `servePort` writes to the other end.
    port.on("message", (answer: PortAnswer) => this.#settle(answer));
    port.on("close", () => this.#portClosed());
    port.unref();
  }

  send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    if (this.#closed) return Promise.reject(ended(request));
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<ApiResponse>();
    const abort = (): void => {
      this.#port.postMessage({ cancel: id } satisfies PortRequest);
      this.#take(id)?.reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    const release = (): void => signal?.removeEventListener("abort", abort);
    this.#waiting.set(id, {
      resolve: (response) => {
        release();
        resolve(response);
      },
      reject: (reason) => {
        release();
        reject(reason);
      },
    });
    if (this.#waiting.size === 1) this.#port.ref();
    this.#port.postMessage({ ...request, id } satisfies PortRequest);
    return promise;
  }

  /** Closes the port once the requests under way are answered. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#waiting.size > 0) await this.#nextSettled();
    this.#port.close();
  }

  #nextSettled(): Promise<void> {
    const [entry] = this.#waiting;
    if (entry === undefined) return Promise.resolve();
    const [id, waiting] = entry;
    return new Promise((done) => {
      this.#waiting.set(id, {
        resolve: (response) => (waiting.resolve(response), done()),
        reject: (reason) => (waiting.reject(reason), done()),
      });
    });
  }

  #settle(answer: PortAnswer): void {
    const waiting = this.#take(answer.id);
    if (waiting === undefined) return; // Its caller gave up and the answer crossed the cancellation.
    if ("failed" in answer) waiting.reject(new SluiceError(answer.code, answer.failed));
    else {
      const { status, body, headers } = answer;
      waiting.resolve(headers === undefined ? { status, body } : { status, body, headers });
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#port.unref();
    return waiting;
  }

  #portClosed(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) waiting.reject(ended());
    this.#waiting.clear();
  }
}

/**
 * Answers what a {@link PortTransport} sends from the other end of its port, by passing it to `transport`.
 *
 * @returns ends it: no further request is taken, the port is closed. Requests under way still go to `transport`, their answers are lost.
 */
export function servePort(port: MessagePort, transport: Pick<Transport, "send">): () => void {
  const running = new Map<number, AbortController>();
  const answer = async (request: ApiRequest & { readonly id: number }): Promise<void> => {
    const { id } = request;
    const abort = new AbortController();
    running.set(id, abort);
    try {
      const { status, body, headers } = await transport.send(request, abort.signal);
      const told: PortAnswer = headers === undefined ? { id, status, body } : { id, status, body, headers };
      port.postMessage(told);
    } catch (error) {
      // Also the answer to a cancelled request; its sender no longer listens.
      port.postMessage({ id, ...failureOf(error) } satisfies PortAnswer);
    } finally {
      running.delete(id);
    }
  };
  port.on("message", (request: PortRequest) => {
    if ("cancel" in request) running.get(request.cancel)?.abort();
    else void answer(request);
  });
  return () => port.close();
}

function failureOf(error: unknown): { readonly failed: string; readonly code: ErrorCode } {
  if (isSluiceError(error)) return { failed: error.message, code: error.code };
  const failed = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { failed, code: "SLUICE_API_UNREACHABLE" };
}

function ended(request?: ApiRequest): SluiceError {
  const what = request === undefined ? "A request" : `${request.method} ${request.path}`;
  return new SluiceError(
    "SLUICE_API_UNREACHABLE",
    `${what} cannot be sent: the connection to the home of this process is closed. Open the session again before further runs.`,
  );
}
