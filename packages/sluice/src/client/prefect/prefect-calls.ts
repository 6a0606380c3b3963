import { SluiceError } from "../../wire/errors.ts";
import type { ApiRequest, ApiResponse, Transport } from "../transport.ts";

/** Statuses after which the same call may succeed later. */
const PASSING: ReadonlySet<number> = new Set([408, 429]);

/** The answer to a call that found the server well; 4xx included. */
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
   * Calls and gives the answer, whatever 2xx or 4xx.
   *
   * @throws SluiceError `SLUICE_API_UNREACHABLE` when the server does not answer, is overloaded, or fails
   */
  async call(method: ApiRequest["method"], path: string, body?: unknown): Promise<PrefectAnswer> {
    const request = { method, path, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await this.#transport.send(request);
    if (answer.status >= 500 || PASSING.has(answer.status)) {
      throw new SluiceError("SLUICE_API_UNREACHABLE", describe(request, answer));
    }
    return { ...answer, value: readJson(answer.body) };
  }

  /** Calls where anything but success is a refusal. @throws SluiceError `SLUICE_API_REFUSED` for a 4xx, and as {@link call} */
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
