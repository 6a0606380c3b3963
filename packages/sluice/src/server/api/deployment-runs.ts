import type {
  DeploymentFlowRunCreate,
  FlowRunCreateResult,
  GetScheduledFlowRunsForDeploymentsBody,
  QueueFilter,
  WorkQueue,
} from "../../wire/contract/shapes.ts";
import { Refusal, reply } from "../api-reply.ts";
import { deploymentById } from "../deployments/deployment-rows.ts";
import { createDeploymentRun } from "../deployments/deployment-runs.ts";
import { noteDeploymentPolls } from "../deployments/deployment-status.ts";
import { readFlowRuns } from "../queries/read-runs.ts";
import { flowRunView } from "../queries/render-flow-run.ts";
import { pageLimit } from "../request/check-request.ts";
import type { ServerCore } from "../server-core.ts";
import type { Store } from "../db/store.ts";
import type { WorkQueueRow } from "../work-pools/pool-rows.ts";
import { queueBody } from "../work-pools/render-pools.ts";
import { found, param, type Handlers } from "./handler.ts";

/** Most runs that one request makes. */
const MOST_CREATED = 100;

/** The runs of deployments: made by users, looked for by those who execute them. Bodies have the shapes of the route table's schemas. */
export const deploymentRunHandlers: Handlers = {
  "POST /deployments/{id}/create_flow_run": async (call, core) => {
    const { row, isNew } = await core.store.write(() => {
      const deployment = found(deploymentById(core.store, param(call, "id")), "Deployment");
      return createDeploymentRun(core, deployment, call.body as DeploymentFlowRunCreate);
    });
    return reply(isNew ? 201 : 200, await core.store.read(() => flowRunView(core.store, row)));
  },
  "POST /deployments/{id}/create_flow_run/bulk": async (call, core) => {
    const bodies = call.body as readonly DeploymentFlowRunCreate[];
    if (bodies.length > MOST_CREATED)
      throw new Refusal(400, `Cannot create more than ${MOST_CREATED} flow runs at once.`);
    const deployment = found(deploymentById(core.store, param(call, "id")), "Deployment");
    const results: FlowRunCreateResult[] = [];
    for (const body of bodies) {
      results.push(
        await core.store
          .write(() => {
            const { row } = createDeploymentRun(core, deployment, body);
            return { flow_run_id: row.id, status: "CREATED", error: null } satisfies FlowRunCreateResult;
          })
          .catch(failedResult),
      );
    }
    return reply(200, { results });
  },
  "POST /deployments/get_scheduled_flow_runs": async (call, core) => {
    const body = call.body as GetScheduledFlowRunsForDeploymentsBody;
    const views = await core.store.write(() => scheduledRuns(core, body));
    return reply(200, views);
  },
  "GET /deployments/{id}/work_queue_check": async (call, { store }) =>
    reply(200, await store.read(() => queuesFor(store, param(call, "id")))),
};

function failedResult(error: unknown): FlowRunCreateResult {
  if (!(error instanceof Refusal)) throw error;
  const prefix = error.status === 409 ? "Parameter validation failed: " : "Error creating flow run: ";
  return { flow_run_id: null, status: "FAILED", error: error.message.replace(/^Error creating flow run: /, prefix) };
}

function scheduledRuns(core: ServerCore, body: GetScheduledFlowRunsForDeploymentsBody): unknown[] {
  const { store } = core;
  const rows = readFlowRuns(
    store,
    {
      deployments: { id: { any_: body.deployment_ids } },
      flow_runs: {
        next_scheduled_start_time: { before_: body.scheduled_before ?? null },
        state: { type: { any_: ["SCHEDULED"] } },
      },
    },
    { sort: "NEXT_SCHEDULED_START_TIME_ASC", limit: pageLimit(body.limit) },
  );
  noteDeploymentPolls(core, body.deployment_ids);
  return rows.map((row) => flowRunView(store, row));
}

/** Queues that take the runs of a deployment by their filter, or have none. */
function queuesFor(store: Store, id: string): WorkQueue[] {
  const deployment = deploymentById(store, id);
  if (!deployment) throw new Refusal(404, "Deployment not found");
  // Columns of JSON are written from validated bodies.
  const tags = new Set(JSON.parse(deployment.tags) as string[]);
  const rows = store.query("SELECT * FROM work_queue ORDER BY no", []);
  return (rows as unknown as WorkQueueRow[])
    .filter((row) => {
      const filter = JSON.parse(row.filter ?? "{}") as QueueFilter;
      const ids = filter.deployment_ids ?? [];
      return (filter.tags ?? []).every((tag) => tags.has(tag)) && (ids.length === 0 || ids.includes(id));
    })
    .map((row) => {
      const { status: _status, active_slots: _slots, work_pool_name: _pool, ...body } = queueBody(store, row);
      return body;
    });
}
