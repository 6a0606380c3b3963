import type { ApiRequest, Transport } from "../client/transport.ts";
import { ERROR_CODES, type ErrorCode, SluiceError } from "../wire/errors.ts";
import type { ResultReference } from "../wire/run-record.ts";
import type { RunTree } from "../wire/run-tree.ts";
import type { StateType } from "../wire/state-types.ts";
import { RefusedError } from "./command-error.ts";

/** The largest page that the API gives. */
export const PAGE_LIMIT = 200;

/** A REST object as it came, with the fields that commands look at; the rest is printed untouched. */
interface Row {
  readonly id: string;
  readonly created: string | null;
  readonly [field: string]: unknown;
}

/** A state as the API shows it. */
export interface StateRow extends Omit<Row, "created"> {
  readonly type: StateType;
  readonly name: string | null;
  readonly timestamp: string;
  readonly message: string | null;
  readonly data: ResultReference | { readonly type: string } | null;
}

/** What flow runs and task runs have in common. */
export interface RunRow extends Row {
  readonly name: string;
  readonly state: StateRow | null;
  readonly state_type: StateType | null;
  readonly state_name: string | null;
  readonly start_time: string | null;
  readonly end_time: string | null;
  readonly total_run_time: number;
  readonly run_count: number;
  readonly tags: readonly string[];
}

/** A flow run as the API shows it. */
export interface FlowRunRow extends RunRow {
  readonly flow_id: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly parent_task_run_id: string | null;
  readonly labels?: Readonly<Record<string, unknown>>;
}

/** A task run as the API shows it. */
export interface TaskRunRow extends RunRow {
  readonly flow_run_id: string | null;
  readonly task_key: string;
  readonly dynamic_key: string;
}

/** A flow as the API shows it. */
export interface FlowRow extends Row {
  readonly name: string;
  readonly tags: readonly string[];
}

/** A line of a run's log as the API shows it. */
export interface LogRow extends Row {
  readonly level: number;
  readonly message: string;
  readonly name: string;
  readonly timestamp: string;
  readonly flow_run_id: string | null;
  readonly task_run_id: string | null;
}

/** The server's answer to a proposed state. */
export interface SetStateReply {
  readonly status: "ACCEPT" | "REJECT" | "WAIT" | "ABORT";
  readonly state: StateRow | null;
  readonly details: { readonly reason?: string | null };
}

/** Statuses of a server that understands, and says no. */
const REFUSALS: ReadonlySet<number> = new Set([400, 403, 404, 409, 422, 423]);

/** The body of `/filter` and `/count`. */
export type FilterBody = Readonly<Record<string, unknown>>;

/** The REST calls that commands make, over any transport. Each throws `SLUICE_API_REFUSED` for a status that it does not expect. */
export class ApiCalls {
  readonly #transport: Pick<Transport, "send">;

  constructor(transport: Pick<Transport, "send">) {
    this.#transport = transport;
  }

  readFlowRun(id: string): Promise<FlowRunRow | undefined> {
    return this.#find(`/api/flow_runs/${id}`);
  }

  readTaskRun(id: string): Promise<TaskRunRow | undefined> {
    return this.#find(`/api/task_runs/${id}`);
  }

  /** Undefined when the store does not know the run. */
  async readTree(flowRunId: string): Promise<RunTree | undefined> {
    const tree = await this.#find<RunTree>(`/api/sluice/flow_runs/${flowRunId}/tree`);
    if (tree !== undefined) return tree;
    // A Prefect server has no such route, but all that the tree is made of.
    const [{ readRestTree }, { PrefectCalls }] = await Promise.all([
      import("../client/prefect/rest-tree.ts"),
      import("../client/prefect/prefect-calls.ts"),
    ]);
    return readRestTree(new PrefectCalls(this.#transport), flowRunId);
  }

  filterFlowRuns(body: FilterBody): Promise<readonly FlowRunRow[]> {
    return this.#post("/api/flow_runs/filter", body);
  }

  filterTaskRuns(body: FilterBody): Promise<readonly TaskRunRow[]> {
    return this.#post("/api/task_runs/filter", body);
  }

  filterFlows(body: FilterBody): Promise<readonly FlowRow[]> {
    return this.#post("/api/flows/filter", body);
  }

  filterLogs(body: FilterBody): Promise<readonly LogRow[]> {
    return this.#post("/api/logs/filter", body);
  }

  /** The state history of a run, oldest first. */
  async readStates(kind: "flow" | "task", runId: string): Promise<readonly StateRow[]> {
    const states: readonly StateRow[] = await this.#expect({
      method: "GET",
      path: `/api/${kind}_run_states/?${kind}_run_id=${runId}`,
    });
    return states.toSorted((a, b) => a.timestamp.localeCompare(b.timestamp));
  }

  setFlowRunState(id: string, state: { readonly type: StateType; readonly name: string }): Promise<SetStateReply> {
    return this.#post(`/api/flow_runs/${id}/set_state`, { state });
  }

  async deleteFlowRun(id: string): Promise<void> {
    await this.#expect({ method: "DELETE", path: `/api/flow_runs/${id}` });
  }

  /** Reads any object; undefined when it is not there. @param path below `/api` */
  find<T>(path: string): Promise<T | undefined> {
    return this.#find(`/api${path}`);
  }

  /**
   * Makes any call.
   *
   * @param path below `/api`
   * @throws RefusedError for what the server refuses, with its reason
   * @throws SluiceError `SLUICE_API_REFUSED` for any other failure
   */
  async call<T>(method: ApiRequest["method"], path: string, body?: unknown): Promise<T> {
    const request = { method, path: `/api${path}`, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await this.#transport.send(request);
    const detail = REFUSALS.has(answer.status) ? detailOf(answer.body) : "";
    if (detail !== "") throw new RefusedError(detail);
    // As in #find.
    return readBody(request, answer.status, answer.body) as T;
  }

  #post<T>(path: string, body: FilterBody): Promise<T> {
    return this.#expect({ method: "POST", path, body: JSON.stringify(body) });
  }

  async #find<T>(path: string): Promise<T | undefined> {
    const { status, body } = await this.#transport.send({ method: "GET", path });
    if (status === 404) return undefined;
    // The API's contract says what this path answers; the commands read the few fields declared above.
    return readBody({ method: "GET", path }, status, body) as T;
  }

  async #expect<T>(request: ApiRequest): Promise<T> {
    const { status, body } = await this.#transport.send(request);
    // As in #find.
    return readBody(request, status, body) as T;
  }
}

function readBody({ method, path }: ApiRequest, status: number, body: string): unknown {
  if (status < 200 || status > 299) {
    const detail = detailOf(body).replace(/\.$/, "");
    throw new SluiceError(
      codeOf(body),
      `The server answered ${method} ${path} with ${String(status)}${detail === "" ? "" : `: ${detail}`}.`,
    );
  }
  return body === "" ? undefined : JSON.parse(body);
}

/** The code of an error of the server's own, such as a full disk; else that of a refusal. */
function codeOf(body: string): ErrorCode {
  try {
    const value: unknown = JSON.parse(body);
    const told = typeof value === "object" && value !== null && "code" in value ? String(value.code) : "";
    // A key of the table of codes.
    return Object.hasOwn(ERROR_CODES, told) ? (told as ErrorCode) : "SLUICE_API_REFUSED";
  } catch {
    // Not JSON: an answer of something in between.
    return "SLUICE_API_REFUSED";
  }
}

function detailOf(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) return body;
    if ("detail" in value) return typeof value.detail === "string" ? value.detail : JSON.stringify(value.detail);
    if ("exception_detail" in value) return JSON.stringify(value.exception_detail);
    return "exception_message" in value ? String(value.exception_message) : body;
  } catch {
    // Not JSON: an answer of something in between, such as a proxy. Its first line says most.
    return body.split("\n", 1)[0]?.slice(0, 200) ?? "";
  }
}
