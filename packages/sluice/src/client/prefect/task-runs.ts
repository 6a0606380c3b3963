import type { RecordVerdict, TaskRunIdentity, TaskRunRecord } from "../../wire/run-record.ts";
import { stateId } from "../../wire/state-id.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { hasTaken, type OpenFlowRun } from "./open-flow-run.ts";
import { taskRunEvent, type PrefectEvent, type ReportedTaskRun } from "./task-run-event.ts";

/** Runs that are over are remembered for late records (a near side's, a rolled back transaction's) until this many are. */
const REMEMBERED_RUNS = 5000;
/** Where the events of a run begin whose earlier ones we have not seen: far from theirs, so that no two share an id. */
const UNSEEN_INDEX = 1_000_000;

/** What a record has led to. */
export interface TakenRecord {
  readonly events: readonly PrefectEvent[];
  readonly verdict: RecordVerdict | undefined;
  /** Whether the run is over now. */
  readonly isOver: boolean;
}

/**
 * Makes the events of task runs, which exist for a Prefect server by them alone.
 *
 * The engine decides over task runs, as Prefect's client does; the server records. A transition gives its event once, however often its record arrives, from
 * whichever side of a runner. Nothing is sent here: whoever takes the events must send them until the server has them.
 */
export class TaskRuns {
  readonly #runs = new Map<string, ReportedTaskRun>();
  readonly #over = new Set<string>();
  readonly #flowRun: (id: string | null) => OpenFlowRun | undefined;

  /** @param flowRun gives a flow run of this process by its id */
  constructor(flowRun: (id: string | null) => OpenFlowRun | undefined) {
    this.#flowRun = flowRun;
  }

  take(record: TaskRunRecord): TakenRecord {
    const run = this.#runs.get(record.id) ?? this.#meet(record);
    if (run === undefined) return { events: [], verdict: unknownRun(record), isOver: false };
    const events = record.transitions
      .filter((transition) => !hasTaken(run, transition))
      .map((transition) => taskRunEvent(run, transition, this.#eventId(run, record, transition[2])));
    const isOver = run.lastType !== null && isFinalStateType(run.lastType);
    if (isOver) this.#remember(run.id);
    return { events, verdict: verdictOf(run, record), isOver };
  }

  #meet(record: TaskRunRecord): ReportedTaskRun | undefined {
    const { run: identity, id } = record;
    if (identity === undefined) return undefined;
    const flowRun = this.#surrounding(identity);
    const run: ReportedTaskRun = {
      id,
      identity,
      // The server keeps one task run for each key, and would put a later attempt's into the row of the first.
      dynamicKey:
        flowRun !== undefined && flowRun.runCount > 1
          ? `${identity.dynamic_key}~${flowRun.runCount}`
          : identity.dynamic_key,
      flowRun,
      taken: [],
      lastEventId: null,
      lastState: null,
      lastType: null,
      runCount: 0,
      startUs: undefined,
      ranUs: 0,
      runningSinceUs: undefined,
    };
    this.#runs.set(id, run);
    return run;
  }

  #surrounding({ flow_run_id: id }: TaskRunIdentity): ReportedTaskRun["flowRun"] {
    if (id === null) return undefined;
    const known = this.#flowRun(id);
    if (known === undefined) return { id, runCount: 0 };
    // As it is now: the flow run goes on to further attempts.
    const { name, flowId, flowName, runCount } = known;
    return { id: known.id, name, flowId, flowName, runCount };
  }

  #eventId(run: ReportedTaskRun, record: TaskRunRecord, timestampUs: number): string {
    const isSeen = run.taken.length > 0 || record.base === 0;
    return stateId(run.id, isSeen ? run.taken.length : UNSEEN_INDEX, timestampUs);
  }

  #remember(id: string): void {
    this.#over.delete(id);
    this.#over.add(id);
    for (const oldest of this.#over) {
      if (this.#over.size <= REMEMBERED_RUNS) return;
      this.#over.delete(oldest);
      this.#runs.delete(oldest);
    }
  }
}

function verdictOf(run: ReportedTaskRun, record: TaskRunRecord): RecordVerdict | undefined {
  const count = run.taken.length;
  const last = record.transitions.at(-1);
  if (record.base !== "latest" || last === undefined) return undefined;
  const [type, name, , message] = last;
  const state = { type, name, message: message ?? null };
  return { id: record.id, status: "ACCEPT", reason: "", transition_count: count, state };
}

function unknownRun(record: TaskRunRecord): RecordVerdict {
  return {
    id: record.id,
    status: "ABORT",
    reason: "This task run was not reported before, and the record does not say what it is.",
    transition_count: 0,
    state: { type: "PENDING", name: "Pending", message: null },
  };
}
