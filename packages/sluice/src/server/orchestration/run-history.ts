import { addTransition, noTotals, type RunTotals } from "../../rules/run-totals.ts";
import { endLeasesOf } from "../concurrency/concurrency-leases.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import { totalsOf, type HistoryChange, type RunColumns } from "../db/run-columns.ts";
import type { TaskRunRow } from "../db/task-run-table.ts";
import { decodeTransitions, encodeTransitions, type StoredTransition } from "../db/transitions.ts";
import { appendFlowRunEvents, type Recording } from "./flow-run-events.ts";

/** What is added to a flow run's history. */
export interface AddedToFlowRun {
  readonly transitions: readonly StoredTransition[];
  /** False for a run that goes on after a pause: its RUNNING does not count as another run. Default true. */
  readonly countsRuns?: boolean;
}

/**
 * Appends transitions to a flow run's history, and to that of its tracking task run (whose states are the subflow's), and tells of them by events. A run
 * that is over holds no slot.
 *
 * Runs inside a write of the store; the caller flushes the task groups.
 *
 * @returns the row as it is now
 */
export function appendToFlowRun(
  core: Recording,
  row: FlowRunRow,
  { transitions, countsRuns = true }: AddedToFlowRun,
): FlowRunRow {
  const { store } = core;
  const { change, columns, runCounts } = extend(row, transitions, !countsRuns);
  store.flowRuns.setHistory(row.id, change);
  if (row.parent_task_run_id !== null) {
    const tracking = store.taskRuns.byId(row.parent_task_run_id);
    if (tracking) appendToTaskRun(core, tracking, transitions.map(withoutId));
  }
  if (row.deployment_id !== null && change.totals.endUs !== null) endLeasesOf(store, row.id);
  const before = decodeTransitions(row.transitions);
  appendFlowRunEvents(core, row, { before, added: transitions, runCounts, parent: null });
  return { ...row, ...columns };
}

/** Appends transitions to a task run's history and moves it within its group; a run that is over holds no slot. See {@link appendToFlowRun}. */
export function appendToTaskRun(
  { store }: Pick<Recording, "store">,
  row: TaskRunRow,
  transitions: readonly StoredTransition[],
): TaskRunRow {
  const { change, columns } = extend(row, transitions, false);
  store.taskRuns.setHistory(row.id, change);
  const moved = { ...row, ...columns };
  store.taskGroups.add(row, -1);
  store.taskGroups.add(moved, 1);
  if (change.totals.endUs !== null) endLeasesOf(store, row.id);
  return moved;
}

/** Makes the totals of a run from its whole history. */
export function totalsOfHistory(transitions: readonly StoredTransition[]): RunTotals {
  const totals = noTotals();
  for (const transition of transitions) addTransition(totals, transition);
  return totals;
}

/** The newest transition of a run's row; undefined when it has none. */
export function newestTransition(row: RunColumns): StoredTransition | undefined {
  return decodeTransitions(row.transitions).at(-1);
}

type HistoryColumns = Pick<
  RunColumns,
  | "state_type"
  | "state_name"
  | "state_timestamp"
  | "start_time"
  | "end_time"
  | "expected_start_time"
  | "next_scheduled_start_time"
  | "run_count"
  | "total_run_time"
  | "transitions"
>;

function extend(
  row: RunColumns,
  added: readonly StoredTransition[],
  resuming: boolean,
): { change: HistoryChange; columns: HistoryColumns; runCounts: number[] } {
  const totals = totalsOf(row);
  const runCounts = added.map((transition) => {
    addTransition(totals, transition, resuming);
    return totals.runCount;
  });
  const text = encodeTransitions(added);
  const transitions = row.transitions === "[]" ? text : `${row.transitions.slice(0, -1)},${text.slice(1)}`;
  const stateName = added.at(-1)?.[1] ?? row.state_name ?? "";
  const columns = {
    state_type: totals.stateType,
    state_name: stateName,
    state_timestamp: totals.stateTimestampUs,
    start_time: totals.startUs,
    end_time: totals.endUs,
    expected_start_time: totals.expectedStartUs,
    next_scheduled_start_time: totals.nextScheduledStartUs,
    run_count: totals.runCount,
    total_run_time: totals.totalRunTimeUs,
    transitions,
  };
  return { change: { stateName, transitions, totals }, columns, runCounts };
}

function withoutId(transition: StoredTransition): StoredTransition {
  const [type, name, timestampUs, message = null, data = null, details = null] = transition;
  return transition.length < 7 ? transition : [type, name, timestampUs, message, data, details];
}
