import type {
  FlowRunResponse,
  OrchestrationResult,
  StateWaitDetails,
  Flow,
  TaskRun,
} from "../../wire/contract/shapes.ts";
import { isSluiceError } from "../../wire/errors.ts";
import type { FlowRunRecord, RecordVerdict, TransitionRecord } from "../../wire/run-record.ts";
import { stateId } from "../../wire/state-id.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import {
  flowRunToCreate,
  hasTaken,
  openFlowRun,
  proposedState,
  serverState,
  trackingToCreate,
  type OpenFlowRun,
  type Refusal,
} from "./open-flow-run.ts";
import type { PrefectCalls } from "./prefect-calls.ts";

/*
 * Takes the records of flow runs to a Prefect server, which names the runs and decides over each of their transitions.
 *
 * Invariants
 *   1. One record of a run is under way at a time; its transitions are proposed in order, and none after one that was not taken.
 *   2. A transition is made once, however often its record arrives: here by its type and time, at the server by an id that derives from them.
 *   3. What the server answers goes before what we believe. Where it has not been heard for a second it is asked first, since it would let a run that
 *      somebody has ended go on (it accepts CANCELLED -> RUNNING, and CANCELLED over any end).
 *   4. A run that is over is remembered for some time, so that a late record does not bring it back.
 *
 * Failures
 *   server away      the record fails as a whole, and is sent again by whoever gave it.
 *   server refuses   (4xx, 500) the verdict is ABORT with the server's words; other runs of the batch are not concerned.
 */

/** How old an answer of the server may be to be trusted. */
const TRUSTED_MS = 1000;
/** A paused run is proposed again after this time. */
const PAUSED_SECONDS = 10;
const REMEMBERED_RUNS = 1000;

export interface FlowRunsOptions {
  readonly calls: PrefectCalls;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Told of each run that is met here. */
  readonly onOpened: () => void;
  /** Told when the server has accepted that a run is RUNNING. */
  readonly onRunning: (run: OpenFlowRun) => void;
}

/** The flow runs of this process and its workers at a Prefect server. See the head of the file. */
export class FlowRuns {
  readonly #options: FlowRunsOptions;
  /** By the server's ids; those that are over in the order of their end. */
  readonly #runs = new Map<string, OpenFlowRun>();
  /** The server's id by the one that the run was first reported with. */
  readonly #names = new Map<string, string>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #flowIds = new Map<string, Promise<string>>();

  constructor(options: FlowRunsOptions) {
    this.#options = options;
  }

  find(id: string | null): OpenFlowRun | undefined {
    return id === null ? undefined : this.#runs.get(this.#names.get(id) ?? id);
  }

  /** The runs that are not over. */
  open(): OpenFlowRun[] {
    return [...this.#runs.values()].filter(({ state }) => !isFinalStateType(state.type));
  }

  /**
   * Takes a record; resolves when the server has answered for it.
   *
   * @returns a verdict where the reporter must know something: another id, another count, a transition that was not taken
   * @throws SluiceError `SLUICE_API_UNREACHABLE`: the same record is to be given again
   */
  take(record: FlowRunRecord): Promise<RecordVerdict | undefined> {
    const key = this.#names.get(record.id) ?? record.id;
    const before = this.#turns.get(key) ?? Promise.resolve();
    const taken = before.then(() => this.#take(record));
    const turn = taken.catch(() => undefined); // told to whoever gave the record
    this.#turns.set(key, turn);
    void turn.then(() => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    });
    return taken;
  }

  async #take(record: FlowRunRecord): Promise<RecordVerdict | undefined> {
    try {
      const run = this.find(record.id) ?? (await this.#meet(record));
      if (run === undefined) return unknownRun(record);
      return await this.#proposeAll(run, record);
    } catch (error) {
      if (!isSluiceError(error, "SLUICE_API_REFUSED")) throw error;
      const run = this.find(record.id);
      const known = run && { run_id: run.id, transition_count: run.taken.length, state: run.state };
      return { ...unknownRun(record), ...known, reason: error.message };
    }
  }

  /** Creates a run that begins, or reads one that somebody else has created; undefined when the server does not know it. */
  async #meet(record: FlowRunRecord): Promise<OpenFlowRun | undefined> {
    const { run: identity, transitions } = record;
    const [first] = transitions;
    if (record.base !== 0 || identity === undefined || first === undefined) return this.#read(record.id);
    const { calls, nowMs } = this.#options;
    const flowId = await this.#flowId(identity.flow_name);
    const tracking = identity.parent_task_run;
    const parent =
      tracking && (await calls.get<TaskRun>("POST", "/api/task_runs/", trackingToCreate(this.#placed(tracking))));
    const begun = { id: record.id, first, transitionId: stateId(record.id, 0, first[2]) };
    const ids = { flowId, parentTaskRunId: parent?.id ?? null };
    const row = await calls.get<FlowRunResponse>("POST", "/api/flow_runs/", flowRunToCreate(begun, identity, ids));
    const run = openFlowRun(row, { flowName: identity.flow_name, nowMs: nowMs() });
    run.taken.push({ type: first[0], timestampUs: first[2] });
    this.#names.set(record.id, run.id);
    this.#runs.set(run.id, run);
    this.#options.onOpened();
    return run;
  }

  /** The parent may have been reported by a name of ours. */
  #placed<T extends { readonly flow_run_id: string | null }>(tracking: T): T {
    const parent = this.find(tracking.flow_run_id);
    return parent === undefined ? tracking : { ...tracking, flow_run_id: parent.id };
  }

  async #read(id: string): Promise<OpenFlowRun | undefined> {
    const { calls, nowMs } = this.#options;
    const row = await calls.find<FlowRunResponse>(`/api/flow_runs/${id}`);
    if (row === undefined) return undefined;
    const run = openFlowRun(row, { flowName: undefined, nowMs: nowMs() });
    this.#runs.set(run.id, run);
    return run;
  }

  #flowId(name: string): Promise<string> {
    const known = this.#flowIds.get(name);
    if (known !== undefined) return known;
    const asked = this.#options.calls.get<Flow>("POST", "/api/flows/", { name }).then(({ id }) => id);
    this.#flowIds.set(name, asked);
    asked.catch(() => this.#flowIds.delete(name));
    return asked;
  }

  async #proposeAll(run: OpenFlowRun, record: FlowRunRecord): Promise<RecordVerdict | undefined> {
    let refusal: Refusal | undefined;
    for (const transition of record.transitions) {
      if (hasTaken(run, transition)) continue;
      refusal = await this.#propose(run, transition);
      if (refusal !== undefined) break;
    }
    if (isFinalStateType(run.state.type)) this.#remember(run);
    const count = run.taken.length;
    const isAsSent = refusal === undefined && record.id === run.id && record.base === count - record.transitions.length;
    if (isAsSent) return undefined;
    return {
      id: record.id,
      ...(refusal ?? { status: "ACCEPT", reason: "" }),
      run_id: run.id,
      transition_count: count,
      state: run.state,
    };
  }

  async #propose(run: OpenFlowRun, transition: TransitionRecord): Promise<Refusal | undefined> {
    const { calls, nowMs } = this.#options;
    const [type, , timestampUs] = transition;
    if (nowMs() - run.heardMs > TRUSTED_MS && !(await this.#refresh(run))) {
      return { status: "ABORT", reason: "The flow run is not at the server any more." };
    }
    if (isFinalStateType(run.state.type)) {
      const { message } = run.state;
      return { status: "REJECT", reason: `This run is already ${run.state.type}${message ? `: ${message}` : "."}` };
    }
    // A run that was paused when the server last spoke has been resumed, or it would not have come to its end.
    if (type === "FAILED" && (run.state.type === "RUNNING" || run.state.type === "PAUSED")) await this.#endRetries(run);
    const transitionId = stateId(run.id, run.taken.length, timestampUs);
    const body = { state: proposedState(transition, transitionId), force: false };
    const reply = await calls.get<OrchestrationResult>("POST", `/api/flow_runs/${run.id}/set_state`, body);
    if (reply.state !== null) run.state = serverState(reply.state);
    run.heardMs = nowMs();
    if (!isTaken(reply, { type, transitionId })) return refusalOf(reply);
    run.taken.push({ type, timestampUs });
    if (type === "RUNNING") {
      run.runCount++;
      this.#options.onRunning(run);
    }
    return undefined;
  }

  /** The engine has decided against a further attempt which the server would still demand: it is told that there is none. */
  async #endRetries(run: OpenFlowRun): Promise<void> {
    if (run.runCount > run.retries) return;
    const retries = Math.max(0, run.runCount - 1);
    await this.#options.calls.get("PATCH", `/api/flow_runs/${run.id}`, { empirical_policy: { retries } });
    run.retries = retries;
  }

  async #refresh(run: OpenFlowRun): Promise<boolean> {
    const row = await this.#options.calls.find<FlowRunResponse>(`/api/flow_runs/${run.id}`);
    if (row === undefined) return false;
    run.state = serverState(row.state);
    run.heardMs = this.#options.nowMs();
    return true;
  }

  /** Keeps a run that is over for late records, and forgets those that have been over for longest. */
  #remember(run: OpenFlowRun): void {
    this.#runs.delete(run.id);
    this.#runs.set(run.id, run);
    if (this.#runs.size <= REMEMBERED_RUNS) return;
    const over = [...this.#runs.values()].filter(({ state }) => isFinalStateType(state.type));
    const forgotten = new Set(over.slice(0, over.length - REMEMBERED_RUNS / 2).map(({ id }) => id));
    for (const id of forgotten) this.#runs.delete(id);
    for (const [name, id] of this.#names) if (forgotten.has(id)) this.#names.delete(name);
  }
}

/** A repeated proposal is refused by the server with the state that the first one made: it is taken. So is one of a state that somebody else has set. */
function isTaken(
  reply: OrchestrationResult,
  proposed: { readonly type: string; readonly transitionId: string },
): boolean {
  if (reply.status === "ACCEPT") return true;
  if (reply.status !== "REJECT" || reply.state?.type !== proposed.type) return false;
  const isOwn = reply.state.state_details?.transition_id === proposed.transitionId;
  return isOwn || proposed.type === "CANCELLING" || proposed.type === "CANCELLED";
}

function refusalOf({ status, state, details }: OrchestrationResult): Refusal {
  const reason = ("reason" in details ? details.reason : undefined) ?? `The server answered ${status}.`;
  if (status === "WAIT") {
    // What the contract gives with WAIT.
    const { delay_seconds } = details as StateWaitDetails;
    return { status, reason, delay_seconds };
  }
  if (status !== "REJECT") return { status: "ABORT", reason };
  if (state?.type === "PAUSED") return { status, reason, delay_seconds: PAUSED_SECONDS };
  if (state?.type !== "SCHEDULED") return { status, reason };
  // Both times are the server's, whatever our clock says.
  const scheduledUs = isoToMicros(state.state_details?.scheduled_time ?? "");
  const sinceUs = isoToMicros(state.timestamp ?? "");
  const delayUs = scheduledUs === undefined || sinceUs === undefined ? 0 : scheduledUs - sinceUs;
  return { status, reason, delay_seconds: Math.max(0, delayUs) / 1e6 };
}

function unknownRun(record: FlowRunRecord): RecordVerdict {
  return {
    id: record.id,
    status: "ABORT",
    reason: "The server does not know this flow run.",
    transition_count: 0,
    state: { type: "PENDING", name: "Pending", message: null },
  };
}
