import type { StatementSync } from "node:sqlite";
import type { HistoryChange, NewHistory, RunColumns } from "./run-columns.ts";
import type { Store } from "./store.ts";

/** A task run as stored. */
export interface TaskRunRow extends RunColumns {
  readonly flow_run_id: string | null;
  readonly task_key: string;
  readonly dynamic_key: string;
  /** The flow run that this one tracks, for the tracking task run of a subflow. */
  readonly child_flow_run_id: string | null;
  /** JSON of {@link TaskRunDetails}, null when there are none. */
  readonly details: string | null;
}

/** The parts of a task run that queries seldom need, kept together; absent where empty. */
export interface TaskRunDetails {
  readonly tags?: readonly string[];
  readonly task_inputs?: Readonly<Record<string, readonly unknown[]>>;
  readonly cache_key?: string | null;
  readonly cache_expiration?: string | null;
  readonly task_version?: string | null;
  readonly empirical_policy?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, unknown>>;
  readonly flow_run_run_count?: number;
}

/** A task run to be stored with its history so far. */
export interface NewTaskRun {
  readonly id: string;
  readonly flowRunId: string | null;
  readonly name: string;
  readonly taskKey: string;
  readonly dynamicKey: string;
  readonly childFlowRunId: string | null;
  readonly processId: string | null;
  readonly details: string | null;
  readonly createdUs: number;
}

/** Flow runs whose number is kept in memory. */
const MAX_KNOWN_FLOW_RUNS = 10_000;

const COLUMNS = `id, flow_run_no, name, task_key, dynamic_key, state_type, state_name, state_timestamp, start_time, end_time,
  expected_start_time, run_count, total_run_time, transitions, details`;
const INSERT = `INSERT INTO task_run (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
const INSERT_WHOLE = `INSERT INTO task_run (${COLUMNS}, next_scheduled_start_time, child_flow_run_id, process_id, created)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

/** The task runs. */
export class TaskRunTable {
  readonly #store: Store;
  readonly #flowRunNos = new Map<string, number>();
  #insert: StatementSync | undefined;

  constructor(store: Store) {
    this.#store = store;
    store.onUndo(() => this.forget());
  }

  /**
   * Stores a new run. The hot path: one statement, and the columns that are empty for a run that is over are not even bound.
   *
   * @returns false when a run of this id is there already
   */
  insert(run: NewTaskRun, history: NewHistory): boolean {
    const { stateName, transitions, totals } = history;
    const values = [
      run.id,
      run.flowRunId === null ? null : this.#flowRunNo(run.flowRunId),
      run.name,
      run.taskKey,
      run.dynamicKey,
      totals.stateType,
      stateName,
      totals.stateType === null ? null : totals.stateTimestampUs,
      totals.startUs,
      totals.endUs,
      totals.expectedStartUs,
      totals.runCount,
      totals.totalRunTimeUs,
      transitions,
      run.details,
    ] as const;
    if (totals.endUs !== null && run.childFlowRunId === null) {
      this.#insert ??= this.#store.statement(INSERT);
      return this.#insert.run(...values).changes === 1;
    }
    const whole = this.#store.statement(INSERT_WHOLE);
    const further = [totals.nextScheduledStartUs, run.childFlowRunId, run.processId, run.createdUs] as const;
    return whole.run(...values, ...further).changes === 1;
  }

  /** The number that stands for a flow run's id, whether or not the flow run is stored yet. */
  #flowRunNo(id: string): number {
    const known = this.#flowRunNos.get(id);
    if (known !== undefined) return known;
    if (this.#flowRunNos.size >= MAX_KNOWN_FLOW_RUNS) this.#flowRunNos.clear();
    this.#store.statement("INSERT INTO flow_run_key (id) VALUES (?) ON CONFLICT DO NOTHING").run(id);
    const no = Number(this.#store.statement("SELECT no FROM flow_run_key WHERE id = ?").get(id)?.["no"]);
    this.#flowRunNos.set(id, no);
    return no;
  }

  /** Forgets what is kept in memory, after rows were taken away. */
  forget(): void {
    this.#flowRunNos.clear();
  }

  byId(id: string): TaskRunRow | undefined {
    // STRICT table: the columns have these types.
    return this.#store.statement("SELECT * FROM task_run_row WHERE id = ?").get(id) as TaskRunRow | undefined;
  }

  /**
   * The run of these keys; the first made where an engine has made several. Reads the task runs of the flow run, so not for hot paths.
   *
   * @param flowRunId null for a run without a flow run
   */
  byKeys(flowRunId: string | null, taskKey: string, dynamicKey: string): TaskRunRow | undefined {
    const ofFlowRun = "SELECT * FROM task_run_row WHERE flow_run_id = ? AND dynamic_key = ? AND task_key = ? LIMIT 1";
    const loose = "SELECT * FROM task_run_row WHERE flow_run_no IS NULL AND dynamic_key = ? AND task_key = ? LIMIT 1";
    const row =
      flowRunId === null
        ? this.#store.statement(loose).get(dynamicKey, taskKey)
        : this.#store.statement(ofFlowRun).get(flowRunId, dynamicKey, taskKey);
    // STRICT table: the columns have these types.
    return row as TaskRunRow | undefined;
  }

  /** Writes the whole history of a run and what is repeated of it. */
  setHistory(id: string, change: HistoryChange): void {
    const { totals } = change;
    this.#store
      .statement(
        `UPDATE task_run SET state_type = ?, state_name = ?, state_timestamp = ?, start_time = ?, end_time = ?, expected_start_time = ?,
           next_scheduled_start_time = ?, run_count = ?, total_run_time = ?, transitions = ? WHERE id = ?`,
      )
      .run(
        totals.stateType,
        change.stateName,
        totals.stateTimestampUs,
        totals.startUs,
        totals.endUs,
        totals.expectedStartUs,
        totals.nextScheduledStartUs,
        totals.runCount,
        totals.totalRunTimeUs,
        change.transitions,
        id,
      );
  }

  /** Says that this task run tracks a flow run. */
  linkChild(id: string, childFlowRunId: string): void {
    this.#store.statement("UPDATE task_run SET child_flow_run_id = ? WHERE id = ?").run(childFlowRunId, id);
  }

  /** Changes what a client may change. */
  patch(id: string, change: { readonly name?: string; readonly details?: string }): void {
    const update = this.#store.statement(
      "UPDATE task_run SET name = coalesce(?, name), details = coalesce(?, details) WHERE id = ?",
    );
    update.run(change.name ?? null, change.details ?? null, id);
  }

  /** Open task runs that a process owns, at most `limit`. */
  openOf(processId: string, limit: number): TaskRunRow[] {
    const query = this.#store.statement("SELECT * FROM task_run_row WHERE process_id = ? AND end_time IS NULL LIMIT ?");
    // STRICT table: the columns have these types.
    return query.all(processId, limit) as unknown as TaskRunRow[];
  }

  delete(id: string): boolean {
    return this.#store.statement("DELETE FROM task_run WHERE id = ?").run(id).changes === 1;
  }
}
