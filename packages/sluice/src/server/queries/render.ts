import { isFinalStateType } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type { Flow, State, StateDetails, TaskRun, TaskRunResponse } from "../../wire/contract/shapes.ts";
import type { FlowRow } from "../db/flow-table.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { RunColumns } from "../db/run-columns.ts";
import type { TaskRunDetails, TaskRunRow } from "../db/task-run-table.ts";
import { decodeTransitions, idOfTransition, newestTransition, type StoredTransition } from "../db/transitions.ts";

/** The details of a state of which nothing is known. */
export const NO_DETAILS = {
  flow_run_id: null,
  task_run_id: null,
  child_flow_run_id: null,
  scheduled_time: null,
  cache_key: null,
  cache_expiration: null,
  deferred: false,
  untrackable_result: false,
  pause_timeout: null,
  pause_reschedule: false,
  pause_key: null,
  run_input_keyset: null,
  refresh_cache: null,
  retriable: null,
  transition_id: null,
  task_parameters_id: null,
  traceparent: null,
  deployment_concurrency_lease_id: null,
} satisfies StateDetails;

/** Tells whether states have a detail of this name; others are not kept. */
export function isStateDetail(name: string): boolean {
  return Object.hasOwn(NO_DETAILS, name);
}

/** Which run a state belongs to: the three ids of its details. */
type Belonging = Pick<StateDetails, "flow_run_id" | "task_run_id" | "child_flow_run_id">;

/** A flow as the wire shows it. */
export function flowBody(row: FlowRow): Flow {
  // Written from validated bodies.
  const [tags, labels] = [JSON.parse(row.tags) as string[], JSON.parse(row.labels) as Record<string, string>];
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    tags,
    labels,
  };
}

/** A task run as the wire shows it. @param nowUs for the estimates of an open run */
export function taskRunBody(row: TaskRunRow, nowUs: number): TaskRun {
  const details = detailsOfTaskRun(row);
  return {
    ...runFields(row, nowUs),
    updated: microsToIso(row.state_timestamp ?? row.created),
    flow_run_id: row.flow_run_id,
    task_key: row.task_key,
    dynamic_key: row.dynamic_key,
    cache_key: details.cache_key ?? null,
    cache_expiration: details.cache_expiration ?? null,
    task_version: details.task_version ?? null,
    empirical_policy: {
      max_retries: 0,
      retry_delay_seconds: 0,
      retries: 0,
      retry_delay: 0,
      retry_jitter_factor: null,
      ...details.empirical_policy,
    },
    tags: [...(details.tags ?? [])],
    // Labels and inputs were written from validated bodies or by the engine.
    labels: {
      ...(details.labels as TaskRun["labels"]),
      ...(row.flow_run_id === null ? {} : { "prefect.flow-run.id": row.flow_run_id }),
    },
    task_inputs: (details.task_inputs ?? {}) as NonNullable<TaskRun["task_inputs"]>,
    flow_run_run_count: details.flow_run_run_count ?? 0,
  };
}

/** A task run as the wire shows it among others of a page: fewer fields than alone. @param nowUs for the estimates of an open run */
export function taskRunOfPage(row: TaskRunRow, nowUs: number): TaskRunResponse {
  const shown = Object.entries(taskRunBody(row, nowUs)).filter(([name]) => !ALONE.has(name));
  // A whole task run without what is shown of it alone.
  return Object.fromEntries(shown) as unknown as TaskRunResponse;
}

/** Fields of a task run that are not shown in pages. */
const ALONE: ReadonlySet<string> = new Set([
  "cache_expiration",
  "cache_key",
  "dynamic_key",
  "expected_start_time",
  "flow_run_run_count",
  "labels",
  "next_scheduled_start_time",
  "run_count",
  "state_name",
  "state_type",
]);

/** The whole history of a run, oldest first. */
export function statesBody(row: FlowRunRow | TaskRunRow): State[] {
  const belonging = belongingOf(row);
  return decodeTransitions(row.transitions).map((transition, index) =>
    stateBody(row.id, { index, transition }, belonging),
  );
}

/** The newest state of a run; null when it has none. */
export function newestStateBody(row: FlowRunRow | TaskRunRow): State | null {
  const newest = newestTransition(row.transitions);
  return newest ? stateBody(row.id, newest, belongingOf(row)) : null;
}

/** The parts of a task run that are kept together. */
export function detailsOfTaskRun(row: TaskRunRow): TaskRunDetails {
  // Only this server writes the column.
  return row.details === null ? {} : (JSON.parse(row.details) as TaskRunDetails);
}

function belongingOf(row: FlowRunRow | TaskRunRow): Belonging {
  return "flow_id" in row ? belongingOfFlowRun(row) : belongingOfTaskRun(row);
}

/** The runs that the states of a flow run belong to. */
export function belongingOfFlowRun(row: FlowRunRow): Belonging {
  return row.parent_task_run_id === null
    ? { flow_run_id: row.id }
    : { flow_run_id: row.id, task_run_id: row.parent_task_run_id };
}

function belongingOfTaskRun(row: TaskRunRow): Belonging {
  return { flow_run_id: row.flow_run_id, task_run_id: row.id, child_flow_run_id: row.child_flow_run_id };
}

/** A state at a position of a run's history as the wire shows it. */
export function stateBody(
  runId: string,
  at: { readonly index: number; readonly transition: StoredTransition },
  belonging: Belonging,
): State {
  const [type, name, timestampUs, message = null, data = null, details] = at.transition;
  return {
    id: idOfTransition(runId, at.index, at.transition),
    type,
    name,
    timestamp: microsToIso(timestampUs),
    message,
    data,
    state_details: { ...NO_DETAILS, ...details, ...belonging, ...ownChild(details) },
  };
}

/** A state of a tracking task run that is not its subflow's names no child. */
function ownChild(details: StoredTransition[5]): Pick<StateDetails, "child_flow_run_id"> | undefined {
  return details && "child_flow_run_id" in details && details["child_flow_run_id"] === null
    ? { child_flow_run_id: null }
    : undefined;
}

function runFields(row: TaskRunRow, nowUs: number) {
  const state = newestStateBody(row);
  const times = runTimes(row, nowUs);
  return {
    id: row.id,
    created: microsToIso(row.created),
    name: row.name,
    state_id: state?.id ?? null,
    state_type: row.state_type,
    state_name: row.state_name,
    run_count: row.run_count,
    expected_start_time: isoOrNull(row.expected_start_time),
    next_scheduled_start_time: isoOrNull(row.next_scheduled_start_time),
    start_time: isoOrNull(row.start_time),
    end_time: isoOrNull(row.end_time),
    total_run_time: times.total,
    estimated_run_time: times.estimated,
    estimated_start_time_delta: times.startDelta,
    state,
  };
}

/** How long a run has been in RUNNING states, and how much later than expected it started, in seconds. @param nowUs for a run that is open */
export function runTimes(row: RunColumns, nowUs: number): { total: number; estimated: number; startDelta: number } {
  const runningUs = row.state_type === "RUNNING" ? Math.max(0, nowUs - (row.state_timestamp ?? nowUs)) : 0;
  return {
    total: row.total_run_time / 1e6,
    estimated: (row.total_run_time + runningUs) / 1e6,
    startDelta: startDelta(row, nowUs) / 1e6,
  };
}

function startDelta(row: RunColumns, nowUs: number): number {
  if (row.expected_start_time === null) return 0;
  if (row.start_time !== null) return Math.max(0, row.start_time - row.expected_start_time);
  if (row.state_type !== null && isFinalStateType(row.state_type)) return 0;
  return Math.max(0, nowUs - row.expected_start_time);
}

/** Microseconds as the wire shows them; null stays null. */
export function isoOrNull(timestampUs: number | null): string | null {
  return timestampUs === null ? null : microsToIso(timestampUs);
}
