import { isSluiceError } from "../wire/errors.ts";

/** A request as the server's routes take it, from whichever way it came. */
export interface ApiCall {
  readonly method: string;
  /** Path and query, as `/api/flow_runs/filter`. */
  readonly path: string;
  readonly body?: string;
  /** The client's `User-Agent`. */
  readonly userAgent?: string;
  /** Where the client reached the server, as `http://127.0.0.1:4200`: links in answers begin with it. */
  readonly origin?: string;
  /** Whether a web page asks to show it to somebody (`X-Prefect-UI`): what it looks at is not polled by that. */
  readonly isPage?: boolean;
}

/** An answer: status and text, empty for none; JSON unless the headers say otherwise. */
export interface ApiReply {
  readonly status: number;
  readonly body: string;
  /** In small letters. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a route throws to answer with a status and a reason: the contract's `{"detail": …}`. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(status: number, detail: string, headers?: Readonly<Record<string, string>>) {
    super(detail);
    this.name = "Refusal";
    this.status = status;
    this.headers = headers;
  }
}

/** What a route throws for something that is not there where the contract answers `{"exception_message": …}`. */
export class ObjectNotFound extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ObjectNotFound";
  }
}

/** One thing that is wrong with a body, where it stands. */
export interface Fault {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
  /** The part of the request that is wrong. */
  readonly input?: unknown;
  /** What the message was made of. */
  readonly ctx?: Readonly<Record<string, unknown>>;
}

/** What a route throws when the request does not have the contract's shape: answered with 422. */
export class InvalidRequest extends Error {
  readonly faults: readonly Fault[];
  readonly requestBody: unknown;

  constructor(faults: readonly Fault[], requestBody: unknown = null) {
    super(faults.map((fault) => `${fault.loc.join(".")}: ${fault.msg}`).join("; "));
    this.name = "InvalidRequest";
    this.faults = faults;
    this.requestBody = requestBody;
  }
}

/** What the contract says of a name that is taken, or of an id that leads nowhere, where nothing better is known. */
export const DATA_CONFLICT =
  "Data integrity conflict. This usually means a unique or foreign key constraint was violated. See server logs for details.";

/** Makes an answer of a value. */
export function reply(status: number, value?: unknown): ApiReply {
  return { status, body: value === undefined ? "" : JSON.stringify(value) };
}

/** Makes an answer of a value that is JSON already. */
export function replyJson(status: number, json: string): ApiReply {
  return { status, body: json };
}

/**
 * Makes the answer to a request that failed: the contract's bodies for 404 and 422, 503 with the reason for what passes (a full disk, a home that
 * is just being handed over), 500 for everything that nobody foresaw, which `onError` hears of.
 */
export function replyToError(error: unknown, onError: (error: unknown) => void): ApiReply {
  if (error instanceof Refusal) {
    const answer = reply(error.status, { detail: error.message });
    return error.headers ? { ...answer, headers: error.headers } : answer;
  }
  if (error instanceof ObjectNotFound) return reply(404, { exception_message: error.message });
  if (error instanceof InvalidRequest) {
    return reply(422, {
      exception_message: "Invalid request received.",
      exception_detail: error.faults,
      request_body: error.requestBody,
    });
  }
  if (isSluiceError(error) && error.retryable)
    return reply(503, { exception_message: "Service Unavailable", detail: error.message, code: error.code });
  if (isTooLarge(error)) return reply(422, { detail: "A number of the request is too large to be stored." });
  onError(error);
  if (isSluiceError(error))
    return reply(500, { exception_message: "Internal Server Error", detail: error.message, code: error.code });
  return reply(500, { exception_message: "Internal Server Error" });
}

/** What SQLite says of a number that is no 64-bit integer where one must be: a mismatch of a limit or offset, or of a column. */
const TOO_LARGE: ReadonlySet<unknown> = new Set([20, 3091]);

function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Stored within this request, but more than a number of JavaScript holds.
  if (error.message.includes("too large to be represented as a JavaScript number")) return true;
  return "errcode" in error && TOO_LARGE.has(error.errcode);
}
