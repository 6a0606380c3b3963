import type {
  CountWorkPoolsBody,
  GetScheduledFlowRunsBody,
  ReadWorkersBody,
  ReadWorkPoolConcurrencyStatusBody,
  ReadWorkPoolsBody,
  WorkerFilter,
  WorkerHeartbeatBody,
  WorkPoolCreate,
  WorkPoolUpdate,
} from "../../wire/contract/shapes.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import { Refusal, reply } from "../api-reply.ts";
import { blockDocumentBody, blockDocumentById } from "../blocks/block-documents.ts";
import type { Store } from "../db/store.ts";
import { deploymentsOfQueues, noteDeploymentPolls } from "../deployments/deployment-status.ts";
import { combine, isAny, isBetween, isNotAny, type Condition } from "../queries/condition.ts";
import { checkTemplateDefaults } from "../parameters/job-variables.ts";
import { bounds } from "../queries/read-runs.ts";
import { flowRunView } from "../queries/render-flow-run.ts";
import { whereWorkPools } from "../queries/run-filters.ts";
import { pageLimit } from "../request/check-request.ts";
import type { ServerCore } from "../server-core.ts";
import { checkJobTemplate, checkPoolName } from "../work-pools/job-template.ts";
import { createPool, deletePool, noteHeartbeat, updatePool } from "../work-pools/pools.ts";
import { poolByName, queueByName, queuesOf, type WorkerRow, type WorkPoolRow } from "../work-pools/pool-rows.ts";
import { noteQueuePolls } from "../work-pools/queues.ts";
import { poolBodyFor, slotSummary, workerBody } from "../work-pools/render-pools.ts";
import { poolSlots, queueSlots, runsOfPool, slotHolders, type QueuedRun } from "../work-pools/scheduled-runs.ts";
import { quoteName } from "../request/quote-name.ts";
import { param, type Handlers, type RouteCall } from "./handler.ts";

const RESERVED = "prefect";

/** Work pools and their workers. Bodies have the shapes of the route table's schemas. */
export const workPoolHandlers: Handlers = {
  "POST /work_pools/": async (call, core) => {
    const body = call.body as WorkPoolCreate;
    checkPoolName(body);
    checkJobTemplate(body);
    if (isReserved(body.name))
      throw new Refusal(403, "Work pools starting with 'Prefect' are reserved for internal use.");
    const row = await core.store.write(() => {
      checkDefaults(core, body.base_job_template);
      return createPool(core, body);
    });
    if (!row) throw new Refusal(409, "A work pool with this name already exists.");
    return reply(201, await core.store.read(() => poolBodyFor(core.store, row, call.userAgent)));
  },
  "GET /work_pools/{name}": async (call, { store }) =>
    reply(200, await store.read(() => poolBodyFor(store, foundPool(store, param(call, "name")), call.userAgent))),
  "POST /work_pools/filter": async (call, { store }) => {
    const body = call.body as ReadWorkPoolsBody;
    const where = whereWorkPools(body);
    const sql = `SELECT p.* FROM work_pool p WHERE ${where.sql} ORDER BY p.name LIMIT ? OFFSET ?`;
    const bodies = await store.read(() => {
      // STRICT table: the columns have these types.
      const rows = store.query(sql, [...where.parameters, ...bounds(body)]) as unknown as WorkPoolRow[];
      return rows.map((row) => poolBodyFor(store, row, call.userAgent));
    });
    return reply(200, bodies);
  },
  "POST /work_pools/count": async (call, { store }) => {
    const where = whereWorkPools(call.body as CountWorkPoolsBody);
    const sql = `SELECT count(*) AS n FROM work_pool p WHERE ${where.sql}`;
    const [row] = await store.read(() => store.query(sql, where.parameters));
    return reply(200, row?.["n"]);
  },
  "PATCH /work_pools/{name}": async (call, core) => {
    const body = call.body as WorkPoolUpdate;
    const name = param(call, "name");
    const isAllowed = Object.keys(body).every((key) => key === "is_paused" || key === "concurrency_limit");
    if (isReserved(name) && !isAllowed)
      throw new Refusal(
        403,
        "Work pools starting with 'Prefect' are reserved for internal use and can only be updated to set concurrency limits or pause.",
      );
    checkJobTemplate(body);
    await core.store.write(() => updatePool(core, foundPool(core.store, name), body));
    return reply(204);
  },
  "DELETE /work_pools/{name}": async (call, core) => {
    const name = param(call, "name");
    if (isReserved(name))
      throw new Refusal(
        403,
        "Work pools starting with 'Prefect' are reserved for internal use and can not be deleted.",
      );
    await core.store.write(() => deletePool(core, foundPool(core.store, name)));
    return reply(204);
  },
  "POST /work_pools/{name}/get_scheduled_flow_runs": async (call, core) => {
    const { store } = core;
    const body = call.body as GetScheduledFlowRunsBody;
    const limit = pageLimit(body.limit);
    const runs = await store.write(() => {
      const pool = foundPool(store, param(call, "name"));
      const names = body.work_queue_names;
      const queues =
        names && names.length > 0 ? names.map((name) => foundQueue(store, pool, name)) : queuesOf(store, pool.id);
      const found = runsOfPool(store, pool, {
        queues: queues.toSorted((one, other) => one.priority - other.priority),
        beforeUs: body.scheduled_before ? isoToMicros(body.scheduled_before) : undefined,
        afterUs: body.scheduled_after ? isoToMicros(body.scheduled_after) : undefined,
        limit,
      });
      noteQueuePolls(core, queues);
      const ids = queues.map(({ id }) => id);
      noteDeploymentPolls(core, deploymentsOfQueues(store, ids));
      return found;
    });
    return reply(200, await store.read(() => runs.map((run) => workerRunBody(store, run))));
  },
  "POST /work_pools/{name}/concurrency_status": async (call, { store }) =>
    reply(200, await store.read(() => concurrencyStatus(store, call))),
  "POST /work_pools/{work_pool_name}/workers/heartbeat": async (call, core) => {
    const { name, heartbeat_interval_seconds: intervalSeconds = null } = call.body as WorkerHeartbeatBody;
    await core.store.write(() => {
      const pool = foundPool(core.store, param(call, "work_pool_name"));
      return noteHeartbeat(core, pool, { name, intervalSeconds });
    });
    return reply(204);
  },
  "POST /work_pools/{work_pool_name}/workers/filter": async (call, { store }) => {
    const body = call.body as ReadWorkersBody;
    const rows = await store.read(() => {
      const pool = foundPool(store, param(call, "work_pool_name"));
      const where = combine([
        { sql: "w.work_pool_id = ?", parameters: [pool.id] },
        body.workers ? workerCondition(body.workers) : undefined,
      ]);
      const sql = `SELECT w.* FROM worker w WHERE ${where.sql} ORDER BY w.last_heartbeat DESC LIMIT ? OFFSET ?`;
      return store.query(sql, [...where.parameters, ...bounds(body)]);
    });
    // STRICT table: the columns have these types.
    return reply(
      200,
      rows.map((row) => workerBody(row as unknown as WorkerRow)),
    );
  },
  "DELETE /work_pools/{work_pool_name}/workers/{name}": async (call, { store }) => {
    await store.write(() => {
      const pool = foundPool(store, param(call, "work_pool_name"));
      const remove = store.statement("DELETE FROM worker WHERE work_pool_id = ? AND name = ?");
      if (remove.run(pool.id, param(call, "name")).changes === 0) throw new Refusal(404, "Worker not found.");
    });
    return reply(204);
  },
};

/** Refuses a template whose defaults do not fit it. @throws Refusal 404, 422 */
export function checkDefaults(core: ServerCore, template: WorkPoolCreate["base_job_template"]): void {
  if (!template) return;
  const { store } = core;
  checkTemplateDefaults(template, (id) => {
    const row = blockDocumentById(store, id);
    return row && blockDocumentBody({ store, box: core.box() }, row, true).data;
  });
}

/** Whether a name is one of those that nobody may give to a pool. */
export function isReserved(name: string): boolean {
  return name.toLowerCase().startsWith(RESERVED);
}

/** The pool of a name. @throws Refusal 404 */
export function foundPool(store: Store, name: string): WorkPoolRow {
  const pool = poolByName(store, name);
  if (!pool) throw new Refusal(404, `Work pool "${name}" not found.`);
  return pool;
}

/** A queue of a pool by its name. @throws Refusal 404 */
export function foundQueue(store: Store, pool: WorkPoolRow, name: string): NonNullable<ReturnType<typeof queueByName>> {
  const queue = queueByName(store, pool.id, name);
  if (!queue) throw new Refusal(404, `Work pool queue '${pool.name}/${name}' not found.`);
  return queue;
}

function workerRunBody(store: Store, { run, queue }: QueuedRun): Record<string, unknown> {
  // As the contract shows them: without their states and pools.
  const { work_pool_id: _pool, work_pool_name: _name, ...flowRun } = flowRunView(store, run);
  return {
    work_pool_id: queue.work_pool_id,
    work_queue_id: queue.id,
    flow_run: { ...flowRun, state: null },
  };
}

function concurrencyStatus(store: Store, call: RouteCall): Record<string, unknown> {
  const { page = 1, flow_run_limit: runs = 10, ...body } = call.body as ReadWorkPoolConcurrencyStatusBody;
  const name = param(call, "name");
  const pool = poolByName(store, name);
  if (!pool) throw new Refusal(404, `Work pool ${quoteName(name)} not found.`);
  const limit = pageLimit(body.limit);
  const queues = queuesOf(store, pool.id);
  const now = store.nowUs();
  const shown = queues.slice((page - 1) * limit, page * limit).map((queue) => {
    const active = queueSlots(store, queue.id);
    return {
      queue_id: queue.id,
      queue_name: queue.name,
      active_slots: active,
      concurrency_limit: queue.concurrency_limit,
      flow_runs: slotHolders(store, queue.id, { limit: runs, offset: 0, forPool: true }).map((run) =>
        slotSummary(run, now),
      ),
      flow_run_count: active,
    };
  });
  return {
    active_slots: poolSlots(store, pool.id),
    concurrency_limit: pool.concurrency_limit,
    queues: shown,
    count: queues.length,
    limit,
    pages: limit > 0 ? Math.ceil(queues.length / limit) : 0,
    page,
  };
}

function workerCondition({ last_heartbeat_time: time, status, operator }: WorkerFilter): Condition {
  return combine(
    [isBetween("w.last_heartbeat", time), isAny("w.status", status?.any_), isNotAny("w.status", status?.not_any_)],
    operator,
  );
}
