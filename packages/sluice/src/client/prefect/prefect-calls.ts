import { SluiceError } from "../../wire/errors.ts";
import type { ApiRequest, ApiResponse, Transport } from "../transport.ts";

/** Statuses after which the same call may succeed later. A plain 500 is none: it comes again, as for a flow run with more than a hundred tags. */
const PASSING: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

/** The answer to a call that found the server there; refusals included. */
export interface PrefectAnswer extends ApiResponse {
  /** The body read as JSON, of the shape that the contract gives the route; undefined when there is none. */
  readonly value: unknown;
}

/** REST calls to a Prefect server. */
export class PrefectCalls {
  readonly #transport: Pick<Transport, "send">;

  constructor(transport: Pick<Transport, "send">) {
    this.#transport = transport;
  }

  /**
   * Calls and gives the answer, whether it is a success or a refusal.
   *
   * @throws SluiceError `SLUICE_API_UNREACHABLE` when the server does not answer or is overloaded
   */
  async call(method: ApiRequest["method"], path: string, body?: unknown): Promise<PrefectAnswer> {
    const request = { method, path, ...(body === undefined ? {} : { body: wellFormedJson(JSON.stringify(body)) }) };
    const answer = await this.#transport.send(request);
    if (PASSING.has(answer.status)) {
      throw new SluiceError("SLUICE_API_UNREACHABLE", describe(request, answer));
    }
    return { ...answer, value: readJson(answer.body) };
  }

  /** Reads what may not be there: undefined for a 404. @throws SluiceError as {@link get} */
  async find<T>(path: string): Promise<T | undefined> {
    const answer = await this.call("GET", path);
    if (answer.status === 404) return undefined;
    if (answer.status >= 300) throw new SluiceError("SLUICE_API_REFUSED", describe({ method: "GET", path }, answer));
    // As below.
    return answer.value as T;
  }

  /** Calls where anything but success is a refusal. @throws SluiceError `SLUICE_API_REFUSED` for one, and as {@link call} */
  async get<T>(method: ApiRequest["method"], path: string, body?: unknown): Promise<T> {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) throw new SluiceError("SLUICE_API_REFUSED", describe({ method, path }, answer));
    // The contract gives each route one shape of success, which the caller names.
    return answer.value as T;
  }
}

function describe({ method, path }: Pick<ApiRequest, "method" | "path">, { status, body }: ApiResponse): string {
  return `The server answered ${status} to ${method} ${path}: ${body.slice(0, 500)}`;
}

function readJson(body: string): unknown {
  if (body === "") return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // An answer of something in between, such as a proxy: its status says enough.
    return undefined;
  }
}

/**
 * Replaces what a Prefect server fails at (500) wherever it stands in a text: half a surrogate pair, and on PostgreSQL the character 0.
 *
 * @param json as `JSON.stringify` writes it, which escapes exactly these
 */
export function wellFormedJson(json: string): string {
  if (!json.includes("\\u")) return json;
  return json.replaceAll(
    /(\\\\)|\\u(?:0000|d[89a-f][0-9a-f]{2})/g,
    (_escape, backslash: string | undefined) => backslash ?? "\uFFFD",
  );
}
