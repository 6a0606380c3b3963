import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { SluiceError } from "../wire/errors.ts";
import { API_VERSION, type ApiRequest, type ApiResponse, type Transport } from "./transport.ts";
import { Turns } from "./turns.ts";

/** Where an API is: a unix socket, or an address such as `http://127.0.0.1:4200/api` with what it asks for. Plain texts only. */
export type ApiAddress = { readonly socketPath: string } | UrlAddress;

/** An API at a URL, with the credentials that it asks for. */
export interface UrlAddress {
  readonly url: string;
  readonly apiKey?: string;
  readonly authString?: string;
}

/** Reads an address that has crossed to another process. @throws SluiceError `SLUICE_OPTION_INVALID` when it names neither socket nor URL */
export function readApiAddress(texts: Readonly<Record<string, string | undefined>>): ApiAddress {
  const { socketPath, url, apiKey, authString } = texts;
  if (socketPath !== undefined) return { socketPath };
  if (url === undefined)
    throw new SluiceError("SLUICE_OPTION_INVALID", "The address of an API needs a socketPath or a url; got neither.");
  return { url, ...(apiKey === undefined ? {} : { apiKey }), ...(authString === undefined ? {} : { authString }) };
}

export interface HttpTransportOptions {
  /** Milliseconds for which a request is tried again while nobody answers or the server is overloaded; 30,000 by default, 0 means once. */
  readonly retryForMs?: number;
  /** How often a request is tried at least that a server answers to be overloaded, however late that answer comes; 1 by default. */
  readonly attempts?: number;
  /** Milliseconds to get a connection; 5,000 by default. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds to wait for one answer; 60,000 by default. */
  readonly responseTimeoutMs?: number;
  /** How many requests that change something may be under way at once; no limit by default. */
  readonly changesAtOnce?: number;
}

interface Answer extends ApiResponse {
  readonly retryAfterMs: number | undefined;
}

const RETRY_FOR_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RESPONSE_TIMEOUT_MS = 60_000;
/** A new leader listens within a second, so a socket is asked soon and often; an address further away is spared. */
const FIRST_DELAY_MS = { socket: 20, address: 250 };
const LONGEST_DELAY_MS = { socket: 500, address: 10_000 };
/** Headers that are of one connection, or say what every answer is. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
  "x-content-type-options",
]);
/** Too many requests, bad gateway, unavailable, request timeout: what Prefect's client tries again as well. */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429, 502, 503]);

/**
 * Sends requests by HTTP, over connections that stay open between them.
 *
 * Tries again, for up to `retryForMs`, after lost or refused connections and after 408, 429, 502 and 503, as long as `Retry-After` says or
 * after 2^n times a first delay, with 20 % jitter. A last answer of such a status is returned as it is.
 */
export class HttpTransport implements Transport {
  readonly #target: Target;
  readonly #options: Required<Omit<HttpTransportOptions, "changesAtOnce">>;
  readonly #turns: Turns | undefined;
  #agent: Agent | undefined;
  #closed = false;

  constructor(address: ApiAddress, options: HttpTransportOptions = {}) {
    this.#target = targetOf(address);
    this.#options = {
      retryForMs: options.retryForMs ?? RETRY_FOR_MS,
      attempts: options.attempts ?? 1,
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      responseTimeoutMs: options.responseTimeoutMs ?? RESPONSE_TIMEOUT_MS,
    };
    this.#turns = options.changesAtOnce === undefined ? undefined : new Turns(options.changesAtOnce);
  }

  async send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    const deadline = performance.now() + this.#options.retryForMs;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      let waitMs = this.#backoffMs(attempt);
      try {
        const answer = await this.#sendInTurn(request, signal);
        waitMs = answer.retryAfterMs ?? waitMs;
        const mayTry = attempt + 1 < this.#options.attempts || performance.now() + waitMs < deadline;
        if (!mayTry || !RETRIED_STATUSES.has(answer.status)) return withoutDelay(answer);
      } catch (error) {
        signal?.throwIfAborted();
        if (this.#closed || performance.now() + waitMs >= deadline) throw this.#unreachable(request, error);
      }
      await delay(waitMs, undefined, signal === undefined ? {} : { signal });
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#agent?.destroy();
    return Promise.resolve();
  }

  #backoffMs(attempt: number): number {
    const base = Math.min(FIRST_DELAY_MS[this.#target.kind] * 2 ** attempt, LONGEST_DELAY_MS[this.#target.kind]);
    return base * (1 + 0.2 * Math.random());
  }

  #sendInTurn(request: ApiRequest, signal: AbortSignal | undefined): Promise<Answer> {
    if (this.#turns === undefined || isReading(request)) return this.#sendOnce(request, signal);
    return this.#turns.take(() => {
      signal?.throwIfAborted();
      return this.#sendOnce(request, signal);
    });
  }

  #sendOnce(request: ApiRequest, signal: AbortSignal | undefined): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const sent = this.#start(request, signal);
    const timeoutMs = request.timeoutMs ?? this.#options.responseTimeoutMs;
    const timer = setTimeout(() => sent.destroy(new Error(`no answer for ${String(timeoutMs / 1000)} s`)), timeoutMs);
    const connectTimer = setTimeout(() => {
      if (sent.socket?.connecting !== false) sent.destroy(new Error("no connection"));
    }, this.#options.connectTimeoutMs);
    promise.catch(() => {}).finally(() => (clearTimeout(timer), clearTimeout(connectTimer)));
    sent.once("error", reject);
    sent.once("response", (response) => readAnswer(response).then(resolve, reject));
    sent.end(request.body);
    return promise;
  }

  #start(request: ApiRequest, signal: AbortSignal | undefined): ClientRequest {
    const target = this.#target;
    // Loaded here because a process that never speaks HTTP should not pay for it.
    const http = target.secure ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
    this.#agent ??= new http.Agent({ keepAlive: true });
    const bodyHeaders =
      request.body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(request.body) };
    return http.request({
      ...target.connection,
      agent: this.#closed ? false : this.#agent,
      method: request.method,
      path: target.basePath + request.path.replace(/^\/api(?=\/|$)/, ""),
      headers: {
        ...target.headers,
        ...bodyHeaders,
        ...(request.userAgent === undefined ? {} : { "user-agent": request.userAgent }),
        ...(request.origin === undefined ? {} : { "x-sluice-origin": request.origin }),
        ...(request.isPage === true ? { "x-prefect-ui": "true" } : {}),
        ...request.headers,
      },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #unreachable(request: ApiRequest, cause: unknown): SluiceError {
    const reason = cause instanceof Error ? describe(cause) : String(cause);
    const advice =
      this.#target.kind === "socket"
        ? "No process leads this home any more; start the flow again."
        : "Check SLUICE_API_URL and that the server runs (`sluice server start`).";
    return new SluiceError(
      "SLUICE_API_UNREACHABLE",
      `${request.method} ${request.path}: ${this.#target.name} does not answer (${reason}). ${advice}`,
      { cause },
    );
  }
}

interface Target {
  readonly kind: "socket" | "address";
  readonly name: string;
  readonly secure: boolean;
  readonly connection: Readonly<Record<string, string>>;
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
}

function targetOf(address: ApiAddress): Target {
  const headers = {
    accept: "application/json",
    "user-agent": `sluice (API ${API_VERSION})`,
    "x-prefect-api-version": API_VERSION,
  };
  if ("socketPath" in address) {
    const { socketPath } = address;
    return { kind: "socket", name: socketPath, secure: false, connection: { socketPath }, basePath: "/api", headers };
  }
  const url = new URL(address.url);
  const path = url.pathname.replace(/\/+$/, "");
  const authorization = authorizationOf(address);
  return {
    kind: "address",
    name: url.origin,
    secure: url.protocol === "https:",
    connection: { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port === "" ? defaultPort(url) : url.port },
    basePath: path === "" ? "/api" : path,
    headers: authorization === undefined ? headers : { ...headers, authorization },
  };
}

function isReading({ method, path }: ApiRequest): boolean {
  return method === "GET" || path.endsWith("/filter");
}

function defaultPort(url: URL): string {
  return url.protocol === "https:" ? "443" : "80";
}

/** The `Authorization` header of an address; undefined where it has no credentials. */
export function authorizationOf(address: UrlAddress): string | undefined {
  if (address.authString) return `Basic ${Buffer.from(address.authString).toString("base64")}`;
  return address.apiKey ? `Bearer ${address.apiKey}` : undefined;
}

function readAnswer(response: IncomingMessage): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let body = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => (body += chunk));
  response.once("end", () =>
    resolve({
      status: response.statusCode ?? 0,
      body,
      headers: headersOf(response),
      retryAfterMs: readRetryAfter(response.headers["retry-after"]),
    }),
  );
  // A connection that breaks in the middle of an answer ends without "end".
  response.once("error", reject);
  response.once("close", () => reject(new Error("the connection broke in the middle of the answer")));
  return promise;
}

/** The headers of an answer that say something about it, not about the connection or its usual form. */
function headersOf(response: IncomingMessage): Record<string, string> {
  const told: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (typeof value !== "string" || CONNECTION_HEADERS.has(name)) continue;
    if (name !== "content-type" || !value.startsWith("application/json")) told[name] = value;
  }
  return told;
}

function withoutDelay({ status, body, headers = {} }: Answer): ApiResponse {
  return Object.keys(headers).length === 0 ? { status, body } : { status, body, headers };
}

/** `Retry-After` in milliseconds: seconds or a date. */
function readRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}

/** An error of several addresses (IPv4 and IPv6) has an empty message of its own. */
function describe(error: Error): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(String).join("; ");
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
