/**
 * The way of one process, thread or child to the API: strings in, strings out.
 *
 * Two implementations: `PortTransport` (to the home thread of this process) and `HttpTransport` (to a unix socket or an address).
 * Whoever speaks through one does not know which.
 */
export interface Transport {
  /**
   * Sends one request and resolves to its answer, whatever the status.
   *
   * A request may reach the server more than once (after a lost connection it is sent again), so what must not happen twice carries its own
   * id or key.
   *
   * @throws SluiceError `SLUICE_API_UNREACHABLE` when no answer came within the time that the transport tries
   * @throws the signal's reason when it aborts first
   */
  send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse>;
  /** Lets go of connections when no request is under way. Resolves when they are closed; a second call does nothing. */
  close(): Promise<void>;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Starts with `/api/`; a transport to an address replaces `/api` by the path of that address. */
  readonly path: string;
  /** JSON, when there is a body. */
  readonly body?: string;
  /** Milliseconds to wait for one answer, for a request that the server is meant to hold; 60 s by default. */
  readonly timeoutMs?: number;
  /** The `User-Agent` of the client on whose behalf the request is passed on; that of this SDK by default. */
  readonly userAgent?: string;
  /** Where that client reached the server, see `ApiCall` of the server. */
  readonly origin?: string;
  /** Whether the request is passed on for a web page that shows something to somebody. */
  readonly isPage?: boolean;
  /** Further headers, in small letters. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiResponse {
  readonly status: number;
  /** JSON unless the headers say otherwise, or empty. */
  readonly body: string;
  /** In small letters; absent when the answer needs none beside its length and that it is JSON. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Version of the REST API that is spoken, sent with every request. */
export const API_VERSION = "0.8.4";
