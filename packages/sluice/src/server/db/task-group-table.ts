import type { StateType } from "../../wire/state-types.ts";
import type { Store } from "./store.ts";

/** Counters of all task runs of one task in one flow run, as stored. Times in microseconds. */
export interface TaskGroupRow {
  readonly flow_run_id: string;
  readonly task_key: string;
  readonly name: string;
  readonly first_seen: number;
  readonly scheduled: number;
  readonly pending: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly crashed: number;
  readonly paused: number;
  readonly cancelling: number;
  readonly first_start: number | null;
  readonly last_end: number | null;
  readonly total_run_time: number;
}

/** What one run adds to its group, or takes from it (`sign` -1). */
export interface TaskGroupMember {
  readonly flow_run_id: string | null;
  readonly task_key: string;
  readonly child_flow_run_id?: string | null;
  readonly state_type: StateType | null;
  readonly start_time: number | null;
  readonly end_time: number | null;
  readonly total_run_time: number;
}

interface Delta {
  readonly flowRunId: string;
  readonly taskKey: string;
  readonly counts: Record<StateType, number>;
  firstStart: number | null;
  lastEnd: number | null;
  runTime: number;
}

/**
 * Counters per task and flow run, so that the tree of a flow with a million task runs is read in a millisecond.
 *
 * Changes are gathered in memory while a request runs and written by {@link flush}, which each write that touched task runs calls before it ends.
 */
export class TaskGroupTable {
  readonly #store: Store;
  readonly #deltas = new Map<string, Map<string, Delta>>();

  constructor(store: Store) {
    this.#store = store;
    store.onUndo(() => this.#deltas.clear());
  }

  /** Counts a run in (1) or out (-1). Runs without a flow run and tracking task runs are not counted. */
  add(member: TaskGroupMember, sign: 1 | -1): void {
    const { flow_run_id: flowRunId, task_key: taskKey } = member;
    if (flowRunId === null || member.child_flow_run_id) return;
    let ofFlowRun = this.#deltas.get(flowRunId);
    if (ofFlowRun === undefined) this.#deltas.set(flowRunId, (ofFlowRun = new Map<string, Delta>()));
    let delta = ofFlowRun.get(taskKey);
    if (delta === undefined) ofFlowRun.set(taskKey, (delta = newDelta(flowRunId, taskKey)));
    if (member.state_type !== null) delta.counts[member.state_type] += sign;
    delta.runTime += sign * member.total_run_time;
    const { start_time: start, end_time: end } = member;
    if (start !== null && (delta.firstStart === null || start < delta.firstStart)) delta.firstStart = start;
    if (end !== null && (delta.lastEnd === null || end > delta.lastEnd)) delta.lastEnd = end;
  }

  /** Writes what {@link add} gathered. */
  flush(): void {
    if (this.#deltas.size === 0) return;
    const upsert = this.#store.statement(UPSERT);
    const now = this.#store.nowUs();
    for (const ofFlowRun of this.#deltas.values()) {
      for (const { flowRunId, taskKey, counts, firstStart, lastEnd, runTime } of ofFlowRun.values()) {
        const numbers = [
          counts.SCHEDULED,
          counts.PENDING,
          counts.RUNNING,
          counts.COMPLETED,
          counts.FAILED,
          counts.CANCELLED,
          counts.CRASHED,
          counts.PAUSED,
          counts.CANCELLING,
        ];
        upsert.run(flowRunId, taskKey, taskNameOf(taskKey), now, ...numbers, firstStart, lastEnd, runTime);
      }
    }
    this.#deltas.clear();
  }

  /** The groups of a flow run, in order of their first task run. */
  ofFlowRun(flowRunId: string): TaskGroupRow[] {
    const query = this.#store.statement("SELECT * FROM task_group WHERE flow_run_id = ? ORDER BY first_seen, task_key");
    // STRICT table: the columns have these types.
    return query.all(flowRunId) as unknown as TaskGroupRow[];
  }

  deleteOf(flowRunId: string): void {
    this.#store.statement("DELETE FROM task_group WHERE flow_run_id = ?").run(flowRunId);
  }
}

const STATES = [
  "scheduled",
  "pending",
  "running",
  "completed",
  "failed",
  "cancelled",
  "crashed",
  "paused",
  "cancelling",
];

const UPSERT = `INSERT INTO task_group (flow_run_id, task_key, name, first_seen, ${STATES.join(", ")}, first_start, last_end, total_run_time)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
 ON CONFLICT DO UPDATE SET ${STATES.map((state) => `${state} = ${state} + excluded.${state}`).join(", ")},
 first_start = min(coalesce(first_start, excluded.first_start), coalesce(excluded.first_start, first_start)),
 last_end = max(coalesce(last_end, excluded.last_end), coalesce(excluded.last_end, last_end)),
 total_run_time = total_run_time + excluded.total_run_time`;

function newDelta(flowRunId: string, taskKey: string): Delta {
  const counts = {
    SCHEDULED: 0,
    PENDING: 0,
    RUNNING: 0,
    COMPLETED: 0,
    FAILED: 0,
    CANCELLED: 0,
    CRASHED: 0,
    PAUSED: 0,
    CANCELLING: 0,
  };
  return { flowRunId, taskKey, counts, firstStart: null, lastEnd: null, runTime: 0 };
}

/** The name of a task, from its key: what stands before the hash. */
function taskNameOf(taskKey: string): string {
  return taskKey.replace(/-[0-9a-f]{8}$/, "");
}
