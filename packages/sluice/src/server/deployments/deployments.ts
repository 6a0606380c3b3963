/** Deployments: made or replaced by flow and name, changed, deleted; what was scheduled by their old values goes with them. */
import type { DeploymentCreate, DeploymentUpdate } from "../../wire/contract/shapes.ts";
import { DATA_CONFLICT, Refusal } from "../api-reply.ts";
import { tellLimit } from "../concurrency/concurrency-events.ts";
import { deleteLimit, insertLimit, limitById, updateLimit } from "../concurrency/concurrency-limits.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import type { ServerCore } from "../server-core.ts";
import { AGENT_POOL } from "../work-pools/agent-pool.ts";
import { changesOf } from "../work-pools/queues.ts";
import { foundWorkPool, queueIdOf } from "./deployment-queue.ts";
import {
  deploymentById,
  deploymentOfFlow,
  writeDeployment,
  type ColumnValue,
  type DeploymentRow,
} from "./deployment-rows.ts";
import { tellDeployment } from "./deployment-status.ts";
import { checkJobVariables } from "../parameters/job-variables.ts";
import { insertSchedules, replaceSchedules } from "./schedules.ts";

/** Fields that stand in a column as they are. */
const PLAIN = [
  "version",
  "description",
  "path",
  "entrypoint",
  "storage_document_id",
  "infrastructure_document_id",
  "work_queue_name",
] as const;
/** Fields that stand in a column as JSON. */
const STRUCTURED = [
  "tags",
  "labels",
  "parameters",
  "parameter_openapi_schema",
  "job_variables",
  "pull_steps",
  "concurrency_options",
] as const;
/** Columns that cannot be empty. */
const NEEDED = new Set(["tags", "parameters", "paused", "enforce_parameter_schema"]);
/** Changes of these are told in events; true for those that hold JSON. */
const CHANGES_TOLD = {
  description: false,
  tags: true,
  parameters: true,
  parameter_openapi_schema: true,
  enforce_parameter_schema: false,
  entrypoint: false,
  path: false,
  pull_steps: true,
  work_queue_id: false,
  job_variables: true,
  paused: false,
  labels: true,
  version: false,
  concurrency_limit_id: false,
  concurrency_options: true,
} as const;

/** A deployment, and whether it was made now. */
export interface SavedDeployment {
  readonly row: DeploymentRow;
  readonly isNew: boolean;
}

/** Makes a deployment, or replaces what is given of the one of this flow and name. Runs inside a write. @throws Refusal */
export function saveDeployment(core: ServerCore, body: DeploymentCreate): SavedDeployment {
  const { store } = core;
  checkPool(store, body);
  const limitId = body.global_concurrency_limit_id;
  checkGlobalLimit(store, limitId);
  const queueId = queueIdOf(core, { pool: body.work_pool_name, queue: body.work_queue_name });
  const unknown = unknownBlock(store, body);
  if (unknown) {
    throw new Refusal(
      409,
      `Error creating deployment. Could not find ${unknown.kind} block with id: ${unknown.id}. This usually occurs when applying a deployment specification that was built against a different Prefect database / workspace.`,
    );
  }
  const flow = store.flows.byId(body.flow_id);
  if (!flow) throw new Refusal(409, DATA_CONFLICT);
  // Written from a validated body.
  const inherited = JSON.parse(flow.labels) as Record<string, unknown>;
  const labels = { ...inherited, "prefect.flow.id": flow.id, ...body.labels };
  const before = deploymentOfFlow(store, flow.id, body.name);
  const columns = {
    ...columnsOf({ ...body, parameters: body.parameters ?? {} }),
    labels: JSON.stringify(labels),
    ...(queueId === null ? {} : { work_queue_id: queueId }),
    ...(limitId === undefined ? {} : { concurrency_limit_id: limitId }),
  };
  const { id } = before ?? insertDeployment(store, body, flow.id);
  writeDeployment(store, id, { ...columns, updated: store.nowUs() });
  deleteScheduledRuns(store, id, { isAutoOnly: true, isFutureOnly: true });
  store.statement("DELETE FROM deployment_schedule WHERE deployment_id = ?").run(id);
  insertSchedules(store, id, body.schedules ?? []);
  if (body.concurrency_limit !== undefined) setLimit(core, id, body.concurrency_limit);
  const row = knownDeployment(store, id);
  if (before) tellChanges(core, before, row);
  else tellDeployment(core, "created", row);
  return { row, isNew: before === undefined };
}

/** Changes what is given of a deployment, whose parameters have been filled in and checked. Runs inside a write. @throws Refusal */
export function updateDeployment(core: ServerCore, before: DeploymentRow, body: DeploymentUpdate): void {
  const { store } = core;
  checkGlobalLimit(store, body.global_concurrency_limit_id);
  if (unknownBlock(store, body)) throw new Refusal(409, DATA_CONFLICT);
  const { id } = before;
  replaceSchedules(store, id, body.schedules);
  const queueId = queueIdOf(core, { pool: body.work_pool_name, queue: body.work_queue_name });
  const leavesPool = body.work_pool_name === null;
  writeDeployment(store, id, {
    ...columnsOf(body),
    ...(queueId !== null || leavesPool ? { work_queue_id: leavesPool ? null : queueId } : {}),
    ...(body.global_concurrency_limit_id === undefined
      ? {}
      : { concurrency_limit_id: body.global_concurrency_limit_id }),
    updated: store.nowUs(),
  });
  deleteScheduledRuns(store, id, { isAutoOnly: true, isFutureOnly: true });
  if (body.concurrency_limit !== undefined) setLimit(core, id, body.concurrency_limit);
  tellChanges(core, before, knownDeployment(store, id));
}

/** Takes a deployment away with its schedules, its limit and the runs that wait for their time. Runs inside a write. */
export function deleteDeployment(core: ServerCore, row: DeploymentRow): void {
  const { store } = core;
  deleteScheduledRuns(store, row.id);
  if (row.concurrency_limit_id !== null) deleteLimit(store, row.concurrency_limit_id);
  store.statement("DELETE FROM deployment_schedule WHERE deployment_id = ?").run(row.id);
  store.statement("DELETE FROM deployment WHERE id = ?").run(row.id);
  store.statement("UPDATE flow_run SET deployment_id = NULL WHERE deployment_id = ?").run(row.id);
  tellDeployment(core, "deleted", row);
}

/** Pauses or resumes a deployment. A pause takes the runs away that were scheduled for it. Runs inside a write. */
export function setPaused(store: Store, row: DeploymentRow, isPaused: boolean): void {
  writeDeployment(store, row.id, { paused: isPaused ? 1 : 0, updated: store.nowUs() });
  if (isPaused) deleteScheduledRuns(store, row.id, { isAutoOnly: true });
}

/** Takes the runs of a deployment away that have never started and wait for their time only. Runs inside a write. */
export function deleteScheduledRuns(
  store: Store,
  deploymentId: string,
  { isAutoOnly = false, isFutureOnly = false }: { readonly isAutoOnly?: boolean; readonly isFutureOnly?: boolean } = {},
): void {
  const runs = store.query(
    `SELECT id FROM flow_run WHERE deployment_id = ? AND state_type = 'SCHEDULED' AND state_name <> 'AwaitingConcurrencySlot' AND run_count = 0
       ${isAutoOnly ? "AND auto_scheduled = 1" : ""} ${isFutureOnly ? "AND next_scheduled_start_time > ?" : ""}`,
    isFutureOnly ? [deploymentId, store.nowUs()] : [deploymentId],
  );
  for (const { id } of runs) store.flowRuns.delete(String(id));
}

function insertDeployment(store: Store, body: DeploymentCreate, flowId: string): { readonly id: string } {
  const now = store.nowUs();
  const id = newId(now);
  store
    .statement(
      `INSERT INTO deployment (id, flow_id, name, paused, enforce_parameter_schema, tags, labels, parameters, job_variables, status, created, updated)
       VALUES (?, ?, ?, 0, 1, '[]', '{}', '{}', '{}', 'NOT_READY', ?, ?)`,
    )
    .run(id, flowId, body.name, now, now);
  return { id };
}

/** The columns of what is given. @throws Refusal 409 for null where a value must be */
function columnsOf(body: Partial<DeploymentCreate> | DeploymentUpdate): Record<string, ColumnValue> {
  const given: Readonly<Record<string, unknown>> = { ...body };
  if (Object.keys(given).some((name) => given[name] === null && NEEDED.has(name)))
    throw new Refusal(409, DATA_CONFLICT);
  const columns: Record<string, ColumnValue> = {};
  for (const name of PLAIN) {
    const value = given[name];
    if (typeof value === "string" || value === null) columns[name] = value;
  }
  for (const name of STRUCTURED) {
    const value = given[name];
    if (value === undefined || (value === null && name === "job_variables")) continue;
    columns[name] = value === null ? null : JSON.stringify(name === "tags" ? [...new Set(value as string[])] : value);
  }
  for (const name of ["paused", "enforce_parameter_schema"] as const) {
    if (typeof given[name] === "boolean") columns[name] = given[name] ? 1 : 0;
  }
  return columns;
}

function checkPool(store: Store, body: DeploymentCreate): void {
  const { work_pool_name: name, job_variables: values } = body;
  if (!name || name === AGENT_POOL) return;
  const pool = foundWorkPool(store, name);
  if (!values || Object.keys(values).length === 0) return;
  checkJobVariables({
    // Written from a validated body.
    template: JSON.parse(pool.base_job_template) as Record<string, unknown>,
    values: [values],
    ignoresRequired: true,
    prefix: "Error creating deployment",
  });
}

function checkGlobalLimit(store: Store, id: string | null | undefined): void {
  if (id && !limitById(store, id)) throw new Refusal(404, "Concurrency limit not found");
}

/** The first of the blocks that a deployment names which is not there. */
function unknownBlock(
  store: Store,
  body: Pick<DeploymentCreate, "infrastructure_document_id" | "storage_document_id">,
): { readonly kind: string; readonly id: string } | undefined {
  const named = [
    { kind: "infrastructure", id: body.infrastructure_document_id },
    { kind: "storage", id: body.storage_document_id },
  ];
  const query = store.statement("SELECT 1 FROM block_document WHERE id = ?");
  for (const { kind, id } of named) if (id && !query.get(id)) return { kind, id };
  return undefined;
}

/** Gives a deployment a limit of its own, changes it, or takes it away. */
function setLimit(core: ServerCore, id: string, slots: number | null): void {
  const { store, events } = core;
  const { concurrency_limit_id: limitId } = knownDeployment(store, id);
  const limit = limitId === null ? undefined : limitById(store, limitId);
  if (slots === null) {
    if (limit) deleteLimit(store, limit.id);
    writeDeployment(store, id, { concurrency_limit_id: null });
  } else if (limit) updateLimit(store, limit, { max_slots: slots });
  else {
    const made = insertLimit(store, { name: `deployment:${id}`, max_slots: slots });
    if (!made) throw new Refusal(409, DATA_CONFLICT);
    tellLimit(events, "created", made);
    writeDeployment(store, id, { concurrency_limit_id: made.id });
  }
}

function tellChanges(core: ServerCore, before: DeploymentRow, after: DeploymentRow): void {
  const { job_variables: jobVariables, ...others } = changesOf(before, after, CHANGES_TOLD);
  const updates = jobVariables === undefined ? others : { ...others, infra_overrides: jobVariables };
  if (Object.keys(updates).length === 0) return;
  tellDeployment(core, "updated", { ...after, payload: { updated_fields: Object.keys(updates), updates } });
}

function knownDeployment(store: Store, id: string): DeploymentRow {
  const row = deploymentById(store, id);
  if (!row) throw new Error(`the deployment ${id} was just written and is not there`);
  return row;
}
