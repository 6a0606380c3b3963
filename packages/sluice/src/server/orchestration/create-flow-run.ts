import type { FlowRunCreate } from "../../wire/contract/shapes.ts";
import { DATA_CONFLICT, Refusal } from "../api-reply.ts";
import type { FlowRunRow, NewFlowRun } from "../db/flow-run-table.ts";
import { newId } from "../db/new-id.ts";
import { totalsOf } from "../db/run-columns.ts";
import type { Store } from "../db/store.ts";
import { decodeTransitions, encodeTransitions, withoutChild } from "../db/transitions.ts";
import { runNameOf } from "../run-name.ts";
import { poolByName, queueById, queueByName, type WorkQueueRow } from "../work-pools/pool-rows.ts";
import { proposedState } from "./proposals.ts";
import { wholeFlowPolicy } from "./run-policies.ts";
import { moveFlowRun, type Deciding } from "./set-flow-run-state.ts";

/** Where a run comes from that a deployment has. */
export type FlowRunOrigin = Partial<
  Pick<
    NewFlowRun,
    | "deployment_version"
    | "work_queue_id"
    | "work_queue_name"
    | "auto_scheduled"
    | "created_by"
    | "infrastructure_document_id"
  >
> & {
  /** Labels of the deployment, which stand for those of the flow. */
  readonly parentLabels?: Readonly<Record<string, unknown>>;
};

/** A run, and whether it was made now. */
export interface CreatedFlowRun {
  readonly row: FlowRunRow;
  readonly isNew: boolean;
}

/**
 * Finds the run of an idempotency key, or makes one with its first state: PENDING unless said otherwise, written as it is proposed. Runs inside a write.
 *
 * @throws Refusal 404 for an unknown work pool or queue, 409 for an unknown flow, parent or infrastructure
 * @throws InvalidRequest
 */
export function createFlowRun(core: Deciding, body: FlowRunCreate, origin?: FlowRunOrigin): CreatedFlowRun {
  const { store } = core;
  const policy = wholeFlowPolicy(body.empirical_policy, body);
  const queue = body.work_pool_name ? queueOf(store, body.work_pool_name, body.work_queue_name) : undefined;
  const key = body.idempotency_key || null;
  const known = key === null ? undefined : store.flowRuns.byIdempotencyKey(body.flow_id, key);
  if (known) return { row: known, isNew: false };
  checkReferences(store, body);
  const id = newId(store.nowUs());
  const { parentLabels, ...columns } = origin ?? {};
  return startFlowRun(core, body, {
    id,
    flow_id: body.flow_id,
    name: body.name || runNameOf(id),
    parent_task_run_id: body.parent_task_run_id ?? null,
    idempotency_key: key,
    deployment_id: body.deployment_id ?? null,
    flow_version: body.flow_version ?? null,
    infrastructure_document_id: body.infrastructure_document_id ?? null,
    work_queue_id: queue?.id ?? null,
    work_queue_name: queue?.name ?? body.work_queue_name ?? null,
    ...columns,
    parameters: JSON.stringify(body.parameters ?? {}),
    context: JSON.stringify(body.context ?? {}),
    tags: JSON.stringify(body.tags ?? []),
    labels: JSON.stringify(labelsOf(store, body, parentLabels)),
    empirical_policy: JSON.stringify(policy),
    // As the contract shows it: null for a run that is made by its key, unless a deployment makes it.
    job_variables: JSON.stringify(body.job_variables ?? (key === null || origin ? {} : null)),
  });
}

/** Labels of a new flow run: those of its flow, or of its deployment, with its own over them. */
function labelsOf(
  store: Store,
  run: FlowRunCreate,
  parentLabels: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  const deployment =
    parentLabels === undefined && run.deployment_id
      ? store.statement("SELECT labels FROM deployment WHERE id = ?").get(run.deployment_id)
      : undefined;
  const own = { "prefect.flow.id": run.flow_id, ...(deployment ? { "prefect.deployment.id": run.deployment_id } : {}) };
  const inherited = deployment ? String(deployment["labels"]) : (store.flows.byId(run.flow_id)?.labels ?? "{}");
  // Both columns are written from validated bodies.
  return { ...(parentLabels ?? (JSON.parse(inherited) as object)), ...own, ...run.labels };
}

function startFlowRun(
  core: Deciding,
  { state, parent_task_run_id: parentId }: FlowRunCreate,
  run: NewFlowRun,
): CreatedFlowRun {
  const { store } = core;
  const tracking = parentId ? store.taskRuns.byId(parentId) : undefined;
  const row = store.flowRuns.insert({ ...run, parent_flow_run_id: tracking?.flow_run_id ?? null });
  if (tracking) {
    store.taskGroups.add(tracking, -1);
    store.taskRuns.linkChild(tracking.id, run.id);
    const { state_name: stateName, transitions } = tracking;
    const own = encodeTransitions(decodeTransitions(transitions).map(withoutChild));
    if (stateName !== null)
      store.taskRuns.setHistory(tracking.id, { stateName, transitions: own, totals: totalsOf(tracking) });
  }
  const nowUs = store.nowUs();
  const proposed = proposedState(state ?? { type: "PENDING" }, nowUs);
  const moved = moveFlowRun(core, row, { initial: null, proposed, nowUs, policy: "minimal" });
  store.taskGroups.flush();
  return { row: moved.row, isNew: true };
}

function queueOf(store: Store, poolName: string, queueName: string | null | undefined): WorkQueueRow {
  const pool = poolByName(store, poolName);
  if (!pool) throw new Refusal(404, `Work pool "${poolName}" not found.`);
  const queue = queueName ? queueByName(store, pool.id, queueName) : queueById(store, pool.default_queue_id ?? "");
  if (!queue) throw new Refusal(404, `Work pool queue '${poolName}/${queueName ?? "default"}' not found.`);
  return queue;
}

function checkReferences(store: Store, body: FlowRunCreate): void {
  const { infrastructure_document_id: document, parent_task_run_id: parent } = body;
  const isKnown =
    store.flows.byId(body.flow_id) !== undefined &&
    (!parent || store.taskRuns.byId(parent) !== undefined) &&
    (!document || store.statement("SELECT 1 FROM block_document WHERE id = ?").get(document) !== undefined);
  if (!isKnown) throw new Refusal(409, DATA_CONFLICT);
}
