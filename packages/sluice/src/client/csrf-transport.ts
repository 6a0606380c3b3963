import { randomUUID } from "node:crypto";
import type { ApiRequest, ApiResponse, Transport } from "./transport.ts";

/** What a server with CSRF protection answers to a change whose token is missing, unknown or out of date. */
const REFUSED = /CSRF token|client identifier/i;
/** A token is replaced this long before it expires, so that it is still good when the request arrives. */
const MARGIN_MS = 10_000;

interface Token {
  readonly text: string;
  readonly expiresMs: number;
}

/**
 * Adds the CSRF token that a server may ask for to whatever changes something.
 *
 * A token is asked for by {@link greet}, when a change is refused for want of one, and shortly before it expires. To a server without that protection nothing is
 * added. All requests go through `inner`, which is closed with this.
 */
export class CsrfTransport implements Transport {
  readonly #inner: Transport;
  readonly #client = randomUUID();
  #token: Token | undefined;
  #asking: Promise<void> | undefined;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  /** Asks whether the server wants tokens, and for the first one. A server without the protection answers 422 or 404. */
  greet(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    if (request.method === "GET") return this.#inner.send(request, signal);
    if (this.#token !== undefined && Date.now() > this.#token.expiresMs - MARGIN_MS) await this.greet();
    const answer = await this.#inner.send(this.#signed(request), signal);
    if (answer.status !== 403 || !REFUSED.test(answer.body)) return answer;
    await this.greet();
    return this.#token === undefined ? answer : this.#inner.send(this.#signed(request), signal);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #signed(request: ApiRequest): ApiRequest {
    if (this.#token === undefined) return request;
    const headers = { "prefect-csrf-token": this.#token.text, "prefect-csrf-client": this.#client };
    return { ...request, headers: { ...request.headers, ...headers } };
  }

  async #ask(): Promise<void> {
    const answer = await this.#inner.send({ method: "GET", path: `/api/csrf-token?client=${this.#client}` });
    if (answer.status !== 200) {
      this.#token = undefined;
      return;
    }
    // The contract's answer to 200.
    const { token, expiration } = JSON.parse(answer.body) as { readonly token: string; readonly expiration: string };
    this.#token = { text: token, expiresMs: Date.parse(expiration) };
  }
}
