import type { FlowRunCreate } from "../../wire/contract/shapes.ts";
import { DATA_CONFLICT, Refusal } from "../api-reply.ts";
import type { FlowRunRow, NewFlowRun } from "../db/flow-run-table.ts";
import { newId } from "../db/new-id.ts";
import { runNameOf } from "../run-name.ts";
import type { ServerCore } from "../server-core.ts";
import { proposedState } from "./proposals.ts";
import { moveFlowRun } from "./set-flow-run-state.ts";

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
 * Finds the run of an idempotency key, or makes one with its first state. Runs inside a write.
 *
 * @throws Refusal 409 when its flow is not there
 */
export function createFlowRun(core: ServerCore, body: FlowRunCreate, origin: FlowRunOrigin = {}): CreatedFlowRun {
  const { store } = core;
  const key = body.idempotency_key ?? null;
  const known = key === null ? undefined : store.flowRuns.byIdempotencyKey(body.flow_id, key);
  if (known) return { row: known, isNew: false };
  const flow = store.flows.byId(body.flow_id);
  if (!flow) throw new Refusal(409, DATA_CONFLICT);
  const tracking = body.parent_task_run_id ? store.taskRuns.byId(body.parent_task_run_id) : undefined;
  const now = store.nowUs();
  const id = newId(now);
  const { parentLabels, ...columns } = origin;
  // Written from a validated body.
  const inherited = parentLabels ?? (JSON.parse(flow.labels) as Record<string, unknown>);
  const row = store.flowRuns.insert({
    id,
    flow_id: body.flow_id,
    name: body.name || runNameOf(id),
    parent_task_run_id: body.parent_task_run_id ?? null,
    parent_flow_run_id: tracking?.flow_run_id ?? null,
    idempotency_key: key,
    deployment_id: body.deployment_id ?? null,
    flow_version: body.flow_version ?? null,
    infrastructure_document_id: body.infrastructure_document_id ?? null,
    ...columns,
    parameters: JSON.stringify(body.parameters ?? {}),
    context: JSON.stringify(body.context ?? {}),
    tags: JSON.stringify([...new Set(body.tags ?? [])]),
    labels: JSON.stringify({ ...inherited, "prefect.flow.id": flow.id, ...body.labels }),
    empirical_policy: JSON.stringify(body.empirical_policy ?? {}),
    job_variables: JSON.stringify(body.job_variables ?? {}),
  });
  if (tracking && tracking.child_flow_run_id !== id) {
    store.taskGroups.add(tracking, -1);
    store.taskRuns.linkChild(tracking.id, id);
  }
  const proposed = proposedState(body.state ?? { type: "PENDING" }, now);
  const { row: after } = moveFlowRun(core, row, { initial: null, proposed, nowUs: now, policy: "minimal" });
  store.taskGroups.flush();
  return { row: after, isNew: true };
}
