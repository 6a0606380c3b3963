import { noHistory, type HistoryChange, type NewHistory, type RunColumns } from "./run-columns.ts";
import type { Store } from "./store.ts";

/** A flow run as stored; the columns from `parameters` to `job_variables` are JSON. */
export interface FlowRunRow extends RunColumns {
  readonly flow_id: string;
  readonly parent_task_run_id: string | null;
  readonly parent_flow_run_id: string | null;
  readonly deployment_id: string | null;
  readonly idempotency_key: string | null;
  readonly flow_version: string | null;
  readonly infrastructure_pid: string | null;
  readonly parameters: string;
  readonly tags: string;
  readonly labels: string;
  readonly empirical_policy: string;
  readonly context: string;
  readonly job_variables: string;
  readonly entrypoint: string | null;
  readonly updated: number;
  readonly deployment_version: string | null;
  readonly work_queue_id: string | null;
  readonly work_queue_name: string | null;
  /** 1 for a run that the scheduler made. */
  readonly auto_scheduled: number;
  /** JSON of who made it: `{id, type, display_value}`. */
  readonly created_by: string | null;
  readonly infrastructure_document_id: string | null;
}

/** A flow run to be stored; it has no state until {@link FlowRunTable.setHistory}. */
export type NewFlowRun = Pick<FlowRunRow, "id" | "name" | "flow_id"> &
  Partial<Omit<FlowRunRow, "id" | "name" | "flow_id" | "created" | "updated" | keyof HistoryColumns>>;

type HistoryColumns = Omit<RunColumns, "id" | "name" | "process_id" | "created">;

/** A flow run that an engine reports. */
export type ReportedFlowRun = Omit<
  NewFlowRun,
  | "infrastructure_pid"
  | "context"
  | "job_variables"
  | "deployment_version"
  | "work_queue_id"
  | "work_queue_name"
  | "auto_scheduled"
  | "created_by"
  | "infrastructure_document_id"
>;

/** Columns of a flow run that a client may change. */
export type FlowRunPatch = Partial<
  Pick<
    FlowRunRow,
    | "name"
    | "flow_version"
    | "infrastructure_pid"
    | "parameters"
    | "tags"
    | "labels"
    | "empirical_policy"
    | "job_variables"
    | "deployment_version"
    | "work_queue_id"
    | "work_queue_name"
  >
>;

const REPORTED = `id, flow_id, name, state_type, state_name, state_timestamp, start_time, end_time, expected_start_time, run_count, total_run_time,
  transitions, parent_task_run_id, parent_flow_run_id, process_id, deployment_id, idempotency_key, flow_version, parameters, tags, labels,
  empirical_policy, entrypoint, created, updated`;
const INSERT_WHOLE = `INSERT INTO flow_run (${REPORTED}, next_scheduled_start_time, infrastructure_pid, context, job_variables, deployment_version,
  work_queue_id, work_queue_name, auto_scheduled, created_by, infrastructure_document_id) VALUES (${"?, ".repeat(34)}?)`;
const INSERT_REPORTED = `INSERT INTO flow_run (${REPORTED}, context, job_variables) VALUES (${"?, ".repeat(25)}'{}', '{}') ON CONFLICT (id) DO NOTHING`;

function reportedValues(run: ReportedFlowRun, { stateName, transitions, totals }: NewHistory, now: number) {
  return [
    run.id,
    run.flow_id,
    run.name,
    totals.stateType,
    stateName,
    totals.stateType === null ? null : totals.stateTimestampUs,
    totals.startUs,
    totals.endUs,
    totals.expectedStartUs,
    totals.runCount,
    totals.totalRunTimeUs,
    transitions,
    run.parent_task_run_id ?? null,
    run.parent_flow_run_id ?? null,
    run.process_id ?? null,
    run.deployment_id ?? null,
    run.idempotency_key ?? null,
    run.flow_version ?? null,
    run.parameters ?? "{}",
    run.tags ?? "[]",
    run.labels ?? "{}",
    run.empirical_policy ?? "{}",
    run.entrypoint ?? null,
    now,
    now,
  ] as const;
}

/** The flow runs. */
export class FlowRunTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Stores a new run with its history so far. */
  insert(run: NewFlowRun, history: NewHistory = noHistory()): FlowRunRow {
    const now = this.#store.nowUs();
    this.#store
      .statement(INSERT_WHOLE)
      .run(
        ...reportedValues(run, history, now),
        history.totals.nextScheduledStartUs,
        run.infrastructure_pid ?? null,
        run.context ?? "{}",
        run.job_variables ?? "{}",
        run.deployment_version ?? null,
        run.work_queue_id ?? null,
        run.work_queue_name ?? null,
        run.auto_scheduled ?? 0,
        run.created_by ?? null,
        run.infrastructure_document_id ?? null,
      );
    return newRow(run, history, now);
  }

  /**
   * Stores a new run that an engine reports. The hot path: what such a run has not is not even bound.
   *
   * @returns false when a run of this id is there already
   */
  insertReported(run: ReportedFlowRun, history: NewHistory): boolean {
    if (history.totals.nextScheduledStartUs !== null) {
      if (this.byId(run.id) !== undefined) return false;
      this.insert(run, history);
      return true;
    }
    const values = reportedValues(run, history, this.#store.nowUs());
    return this.#store.statement(INSERT_REPORTED).run(...values).changes === 1;
  }

  byId(id: string): FlowRunRow | undefined {
    // STRICT table: the columns have these types.
    return this.#store.statement("SELECT * FROM flow_run WHERE id = ?").get(id) as FlowRunRow | undefined;
  }

  byIdempotencyKey(flowId: string, key: string): FlowRunRow | undefined {
    const query = this.#store.statement("SELECT * FROM flow_run WHERE flow_id = ? AND idempotency_key = ?");
    // STRICT table: the columns have these types.
    return query.get(flowId, key) as FlowRunRow | undefined;
  }

  /** Writes the whole history of a run and what is repeated of it. */
  setHistory(id: string, change: HistoryChange): void {
    const { totals } = change;
    this.#store
      .statement(
        `UPDATE flow_run SET state_type = ?, state_name = ?, state_timestamp = ?, start_time = ?, end_time = ?, expected_start_time = ?,
           next_scheduled_start_time = ?, run_count = ?, total_run_time = ?, transitions = ?, updated = ? WHERE id = ?`,
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
        this.#store.nowUs(),
        id,
      );
  }

  /** Changes what a client may change; columns not in `patch` stay. */
  patch(id: string, patch: FlowRunPatch): void {
    const names = Object.keys(patch);
    if (names.length === 0) return;
    const values = Object.values(patch).map((value) => value ?? null);
    const sql = `UPDATE flow_run SET ${names.map((name) => `${name} = ?`).join(", ")}, updated = ? WHERE id = ?`;
    this.#store.statement(sql).run(...values, this.#store.nowUs(), id);
  }

  /** Open flow runs that a process owns. */
  openOf(processId: string): FlowRunRow[] {
    const query = this.#store.statement("SELECT * FROM flow_run WHERE process_id = ? AND end_time IS NULL");
    // STRICT table: the columns have these types.
    return query.all(processId) as unknown as FlowRunRow[];
  }

  /** Takes a flow run away; its task runs, logs and artifacts are purged by {@link Store}'s users in portions. */
  delete(id: string): boolean {
    return this.#store.statement("DELETE FROM flow_run WHERE id = ?").run(id).changes === 1;
  }
}

function newRow(run: NewFlowRun, history: NewHistory, now: number): FlowRunRow {
  const { totals } = history;
  return {
    deployment_version: null,
    work_queue_id: null,
    work_queue_name: null,
    auto_scheduled: 0,
    created_by: null,
    infrastructure_document_id: null,
    deployment_id: null,
    idempotency_key: null,
    flow_version: null,
    infrastructure_pid: null,
    parameters: "{}",
    tags: "[]",
    labels: "{}",
    empirical_policy: "{}",
    context: "{}",
    job_variables: "{}",
    entrypoint: null,
    parent_task_run_id: null,
    parent_flow_run_id: null,
    process_id: null,
    ...run,
    state_type: totals.stateType,
    state_name: history.stateName,
    state_timestamp: totals.stateType === null ? null : totals.stateTimestampUs,
    start_time: totals.startUs,
    end_time: totals.endUs,
    expected_start_time: totals.expectedStartUs,
    next_scheduled_start_time: totals.nextScheduledStartUs,
    run_count: totals.runCount,
    total_run_time: totals.totalRunTimeUs,
    transitions: history.transitions,
    created: now,
    updated: now,
  };
}
