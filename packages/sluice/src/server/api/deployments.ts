import type {
  BulkDeleteDeploymentsBody,
  CountDeploymentsBody,
  DeploymentCreate,
  DeploymentUpdate,
  PaginateDeploymentsBody,
  ReadDeploymentsBody,
} from "../../wire/contract/shapes.ts";
import { Refusal, reply } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import {
  checkDeploymentName,
  checkLimits,
  checkOwnParameters,
  checkParameters,
  filledParameters,
} from "../parameters/check-parameters.ts";
import { poolOfQueue } from "../deployments/deployment-queue.ts";
import { deploymentById, deploymentByNames, type DeploymentRow } from "../deployments/deployment-rows.ts";
import { deleteDeployment, saveDeployment, setPaused, updateDeployment } from "../deployments/deployments.ts";
import { checkJobVariables } from "../parameters/job-variables.ts";
import { deploymentBody } from "../deployments/render-deployment.ts";
import { checkSchedules } from "../deployments/schedules.ts";
import { bounds } from "../queries/read-runs.ts";
import { whereDeployments, type JoinedFilters } from "../queries/run-filters.ts";
import { poolByName } from "../work-pools/pool-rows.ts";
import { found, param, type Handlers } from "./handler.ts";
import { pageOf } from "./run-lists.ts";

const ORDER: Readonly<Record<string, string>> = {
  CREATED_DESC: "d.created DESC",
  UPDATED_DESC: "d.updated DESC",
  NAME_ASC: "d.name ASC",
  NAME_DESC: "d.name DESC",
  CONCURRENCY_LIMIT_ASC: "limit_slots IS NULL, limit_slots ASC",
  CONCURRENCY_LIMIT_DESC: "limit_slots IS NULL, limit_slots DESC",
};
/** Most deployments that one request deletes. */
const MOST_DELETED = 50;

/** Deployments. Bodies have the shapes of the route table's schemas. */
export const deploymentHandlers: Handlers = {
  "POST /deployments/": async (call, core) => {
    const body = call.body as DeploymentCreate;
    checkDeploymentName(body);
    checkLimits(body);
    checkOwnParameters(body);
    checkSchedules(body.schedules ?? [], { loc: ["body", "schedules"], body });
    const { status, view } = await core.store.write(() => {
      const { row, isNew } = saveDeployment(core, body);
      return { status: isNew ? 201 : 200, view: deploymentBody(core.store, row) };
    });
    return reply(status, view);
  },
  "PATCH /deployments/{id}": async (call, core) => {
    const body = call.body as DeploymentUpdate;
    checkLimits(body);
    checkSchedules(body.schedules ?? [], { loc: ["body", "schedules"], body });
    await core.store.write(() => {
      const row = deploymentById(core.store, param(call, "id"));
      if (!row) throw new Refusal(404, "Deployment not found.");
      updateDeployment(core, row, checkedUpdate(core.store, row, body));
    });
    return reply(204);
  },
  "GET /deployments/{id}": async (call, { store }) =>
    reply(
      200,
      await store.read(() => deploymentBody(store, found(deploymentById(store, param(call, "id")), "Deployment"))),
    ),
  "GET /deployments/name/{flow_name}/{deployment_name}": async (call, { store }) => {
    const body = await store.read(() => {
      const row = deploymentByNames(store, param(call, "flow_name"), param(call, "deployment_name"));
      return deploymentBody(store, found(row, "Deployment"));
    });
    return reply(200, body);
  },
  "POST /deployments/filter": async (call, { store }) => {
    const body = call.body as ReadDeploymentsBody;
    const bodies = await store.read(() => readDeployments(store, body, body).map((row) => deploymentBody(store, row)));
    return reply(200, bodies);
  },
  "POST /deployments/paginate": async (call, { store }) => {
    const body = call.body as PaginateDeploymentsBody;
    const page = await store.read(() =>
      pageOf(body, {
        count: countDeployments(store, body),
        read: (bound) =>
          readDeployments(store, body, { ...bound, sort: body.sort ?? null }).map((row) => deploymentBody(store, row)),
      }),
    );
    return reply(200, page);
  },
  "POST /deployments/count": async (call, { store }) =>
    reply(200, await store.read(() => countDeployments(store, call.body as CountDeploymentsBody))),
  "DELETE /deployments/{id}": async (call, core) => {
    await core.store.write(() => {
      deleteDeployment(core, found(deploymentById(core.store, param(call, "id")), "Deployment"));
    });
    return reply(204);
  },
  "POST /deployments/bulk_delete": async (call, core) => {
    const { deployments = null, limit = MOST_DELETED } = call.body as BulkDeleteDeploymentsBody;
    const deleted = await core.store.write(() => {
      const rows = readDeployments(core.store, { deployments }, { limit });
      for (const row of rows) deleteDeployment(core, row);
      return rows.map(({ id }) => id);
    });
    return reply(200, { deleted });
  },
  "POST /deployments/{id}/resume_deployment": async (call, { store }) => {
    await store.write(() => setPaused(store, found(deploymentById(store, param(call, "id")), "Deployment"), false));
    return reply(200, null);
  },
  "POST /deployments/{id}/pause_deployment": async (call, { store }) => {
    await store.write(() => setPaused(store, found(deploymentById(store, param(call, "id")), "Deployment"), true));
    return reply(200, null);
  },
};

/** Fills in and checks what an update says of parameters and job variables. Runs inside a write. @throws Refusal */
function checkedUpdate(store: Store, row: DeploymentRow, body: DeploymentUpdate): DeploymentUpdate {
  // Columns of JSON are written from validated bodies.
  const own = JSON.parse(row.parameters) as Record<string, unknown>;
  const parameters = body.parameters ? filledParameters(store, body.parameters, "deployment") : own;
  const pool = body.work_pool_name ? poolByName(store, body.work_pool_name) : poolOfQueue(store, row.work_queue_id);
  if (body.work_pool_name && body.job_variables && pool) {
    checkJobVariables({
      template: JSON.parse(pool.base_job_template) as Record<string, unknown>,
      values: [body.job_variables],
      ignoresRequired: true,
      prefix: "Error updating deployment",
    });
  }
  if (body.enforce_parameter_schema ?? row.enforce_parameter_schema === 1) {
    const schema: unknown = body.parameter_openapi_schema ?? JSON.parse(row.parameter_openapi_schema ?? "{}");
    checkParameters({ parameters, schema, ignoresRequired: true, prefix: "Error updating deployment" });
  }
  return body.parameters ? { ...body, parameters } : body;
}

function readDeployments(
  store: Store,
  filters: JoinedFilters,
  page: { readonly sort?: string | null; readonly limit?: number; readonly offset?: number },
): DeploymentRow[] {
  const where = whereDeployments(filters);
  const order = ORDER[page.sort ?? "NAME_ASC"] ?? "d.name";
  const slots = "(SELECT l.max_slots FROM concurrency_limit l WHERE l.id = d.concurrency_limit_id) AS limit_slots";
  const rows = store.query(
    `SELECT d.*, ${slots} FROM deployment d WHERE ${where.sql} ORDER BY ${order}, d.no LIMIT ? OFFSET ?`,
    [...where.parameters, ...bounds(page)],
  );
  // STRICT table: the columns have these types.
  return rows as unknown as DeploymentRow[];
}

function countDeployments(store: Store, filters: JoinedFilters): number {
  const where = whereDeployments(filters);
  const [row] = store.query(`SELECT count(*) AS n FROM deployment d WHERE ${where.sql}`, where.parameters);
  return Number(row?.["n"]);
}
