import type { StateType } from "./state-types.ts";

/**
 * A flow run with everything below it, as the live tree and the summary need it: `GET /api/sluice/flow_runs/{id}/tree`.
 *
 * Flow runs are nested one node each; task runs are counted per task, so the answer to a flow with a million task runs stays small. The
 * tracking task run of a subflow is not counted among the tasks. Times are ISO 8601 in UTC with microseconds, durations float seconds.
 *
 * `?max_flow_runs=N` (default and maximum 5,000) bounds the number of nodes; what is left out is counted where it was left out.
 */
export interface RunTree {
  /** The store's clock at the time of the answer: ages are taken against it, not against the reader's clock. */
  readonly now: string;
  readonly root: FlowRunNode;
}

/** One flow run of a {@link RunTree}. */
export interface FlowRunNode {
  readonly id: string;
  readonly name: string;
  readonly flow_name: string;
  readonly state_type: StateType;
  readonly state_name: string;
  /** Message of the current state; null when it has none. */
  readonly state_message: string | null;
  /** When the run entered RUNNING for the first time; null before. */
  readonly start_time: string | null;
  /** When the run became final; null before. */
  readonly end_time: string | null;
  /** Seconds spent RUNNING, over all tries. */
  readonly total_run_time: number;
  readonly run_count: number;
  /** In order of their first task run. */
  readonly tasks: readonly TaskGroupNode[];
  /** In order of creation. */
  readonly flow_runs: readonly FlowRunNode[];
  /** Number of child flow runs by state that `max_flow_runs` left out here; absent when none were. */
  readonly omitted_flow_runs?: StateCounts;
}

/** All task runs of one task inside one flow run. */
export interface TaskGroupNode {
  /** The task's name. */
  readonly name: string;
  readonly task_key: string;
  readonly counts: StateCounts;
  /** When the first of them entered RUNNING; null before. */
  readonly first_start_time: string | null;
  /** When the last final one became final; null before. */
  readonly last_end_time: string | null;
  /** Seconds spent RUNNING, summed over all of them. */
  readonly total_run_time: number;
}

/** Number of runs by state type; a type without runs may be absent. */
export type StateCounts = Readonly<Partial<Record<StateType, number>>>;
