import type { FlowRunResponse } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { idOfTransition, newestTransition, type StoredTransition } from "../db/transitions.ts";
import { belongingOfFlowRun, NO_DETAILS, runTimes, stateBody } from "./render.ts";

/*
 * A flow run is written as text at once: what the database holds as JSON goes through as it is, and a page of 200 runs costs half of what their
 * objects would.
 */

/** A flow run as the wire shows it, with the pool of its work queue. */
export function flowRunView(store: Store, row: FlowRunRow): FlowRunResponse {
  // The text has the shape of the contract.
  return JSON.parse(flowRunText(store, row)) as FlowRunResponse;
}

/** Flow runs as the wire shows them: the JSON of an array. */
export function flowRunsText(store: Store, rows: readonly FlowRunRow[]): string {
  const parts: string[] = [];
  for (const row of rows) {
    parts.push(parts.length === 0 ? "[" : ",");
    pushFlowRun(parts, store, row);
  }
  return rows.length === 0 ? "[]" : `${parts.join("")}]`;
}

/** The JSON of {@link flowRunView}. */
export function flowRunText(store: Store, row: FlowRunRow): string {
  const parts: string[] = [];
  pushFlowRun(parts, store, row);
  return parts.join("");
}

/** Pieces that are joined at the end leave far less to the garbage collector than a text that grows. */
function pushFlowRun(parts: string[], store: Store, row: FlowRunRow): void {
  const times = runTimes(row, store.nowUs());
  const state = newestState(row);
  const queue = row.work_queue_id === null ? undefined : queueOf(store, row.work_queue_id);
  // prettier-ignore
  parts.push(
    '{"id":"', row.id, '","created":"', microsToIso(row.created), '","updated":"', microsToIso(row.updated),
    '","name":', JSON.stringify(row.name), ',"flow_id":"', row.flow_id,
    '","state_id":', text(state.id), ',"state_type":', text(row.state_type), ',"state_name":', text(row.state_name),
    ',"run_count":', String(row.run_count), ',"expected_start_time":', instant(row.expected_start_time),
    ',"next_scheduled_start_time":', instant(row.next_scheduled_start_time),
    ',"start_time":', instant(row.start_time), ',"end_time":', instant(row.end_time),
    ',"total_run_time":', String(times.total), ',"estimated_run_time":', String(times.estimated),
    ',"estimated_start_time_delta":', String(times.startDelta), ',"state":', state.json,
    ',"deployment_id":', text(row.deployment_id), ',"deployment_version":', text(row.deployment_version),
    ',"work_queue_id":', text(row.work_queue_id), ',"work_queue_name":', text(queue?.name ?? row.work_queue_name),
    ',"work_pool_id":', text(queue?.poolId ?? null), ',"work_pool_name":', text(queue?.poolName ?? null),
    ',"flow_version":', text(row.flow_version), ',"parameters":', row.parameters,
    ',"idempotency_key":', text(row.idempotency_key), ',"context":', row.context,
    ',"empirical_policy":', policy(row.empirical_policy), ',"tags":', row.tags, ',"labels":', labels(row),
    ',"parent_task_run_id":', text(row.parent_task_run_id),
    ',"auto_scheduled":', row.auto_scheduled === 1 ? "true" : "false",
    ',"infrastructure_document_id":', text(row.infrastructure_document_id),
    ',"infrastructure_pid":', text(row.infrastructure_pid),
    ',"created_by":', row.created_by ?? "null", ',"job_variables":', row.job_variables, "}",
  );
}

function queueOf(store: Store, id: string): { name: string; poolId: string; poolName: string } | undefined {
  const pool = store
    .statement(
      "SELECT p.id, p.name, q.name AS queue FROM work_queue q JOIN work_pool p ON p.id = q.work_pool_id WHERE q.id = ?",
    )
    .get(id);
  return pool && { name: String(pool["queue"]), poolId: String(pool["id"]), poolName: String(pool["name"]) };
}

function newestState(row: FlowRunRow): { readonly id: string | null; readonly json: string } {
  const newest = newestTransition(row.transitions);
  if (!newest) return { id: null, json: "null" };
  const id = idOfTransition(row.id, newest.index, newest.transition);
  const json = newest.transition[5]
    ? JSON.stringify(stateBody(row.id, newest, belongingOfFlowRun(row)))
    : plainState(row, id, newest.transition);
  return { id, json };
}

/** What the details of a state end with when nothing but its runs is known. */
const NO_FURTHER_DETAILS = ((): string => {
  const { flow_run_id: _flowRun, task_run_id: _taskRun, ...further } = NO_DETAILS;
  return JSON.stringify(further).slice(1);
})();

/** The JSON of a state without details. */
function plainState(row: FlowRunRow, id: string, transition: StoredTransition): string {
  const [type, name, timestampUs, message = null, data = null] = transition;
  return (
    `{"id":"${id}","type":"${type}","name":${JSON.stringify(name)},"timestamp":"${microsToIso(timestampUs)}",` +
    `"message":${text(message)},"data":${data === null ? "null" : JSON.stringify(data)},` +
    `"state_details":{"flow_run_id":"${row.id}","task_run_id":${text(row.parent_task_run_id)},${NO_FURTHER_DETAILS}}`
  );
}

const NO_POLICY = {
  max_retries: 0,
  retry_delay_seconds: 0,
  retries: null,
  retry_delay: null,
  pause_keys: [],
  resuming: false,
  retry_type: null,
};
/** Most runs of a page have the policy of the run before them. */
let lastPolicy = { stored: "{}", json: JSON.stringify(NO_POLICY) };

function policy(stored: string): string {
  if (stored !== lastPolicy.stored)
    lastPolicy = { stored, json: JSON.stringify({ ...NO_POLICY, ...(JSON.parse(stored) as object) }) };
  return lastPolicy.json;
}

/** The labels, among them the flow's id unless a client gave that label another value. */
function labels({ labels: stored, flow_id }: FlowRunRow): string {
  const own = `{"prefect.flow.id":"${flow_id}"`;
  if (stored.startsWith(own)) return stored;
  if (stored === "{}") return `${own}}`;
  if (!stored.includes("prefect.flow.id")) return `${own},${stored.slice(1)}`;
  return JSON.stringify({ "prefect.flow.id": flow_id, ...(JSON.parse(stored) as object) });
}

function text(value: string | null): string {
  return value === null ? "null" : JSON.stringify(value);
}

function instant(timestampUs: number | null): string {
  return timestampUs === null ? "null" : `"${microsToIso(timestampUs)}"`;
}
