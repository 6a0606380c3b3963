import type {
  ReadWorkQueueConcurrencyStatusBody,
  ReadWorkQueueRunsBody,
  ReadWorkQueuesBody,
  WorkQueueCreate,
  WorkQueuesReadWorkQueuesBody,
  WorkQueueUpdate,
} from "../../wire/contract/shapes.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import { ObjectNotFound, Refusal, reply } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import { deploymentsOfQueues, noteDeploymentPolls } from "../deployments/deployment-status.ts";
import { combine, type Condition } from "../queries/condition.ts";
import { bounds } from "../queries/read-runs.ts";
import { flowRunView } from "../queries/render-flow-run.ts";
import { isoOrNull } from "../queries/render.ts";
import { whereWorkQueues } from "../queries/run-filters.ts";
import { pageLimit } from "../request/check-request.ts";
import { AGENT_POOL, createLooseQueue } from "../work-pools/agent-pool.ts";
import { poolByName, queueById, queueByName, type WorkQueueRow } from "../work-pools/pool-rows.ts";
import { createQueue, deleteQueue, noteQueuePolls, updateQueue } from "../work-pools/queues.ts";
import { queueBody, slotSummary } from "../work-pools/render-pools.ts";
import { lateRuns, ownSlots, runsOfQueueAlone, slotHolders } from "../work-pools/scheduled-runs.ts";
import { param, type Handlers } from "./handler.ts";
import { foundPool, foundQueue } from "./work-pools.ts";

/** A queue is healthy when it has no late run and was polled within this time. */
const HEALTHY_SECONDS = 60;

/** Work queues, of a pool by name and over all by id. Bodies have the shapes of the route table's schemas. */
export const workQueueHandlers: Handlers = {
  "POST /work_pools/{work_pool_name}/queues": async (call, core) => {
    const body = call.body as WorkQueueCreate;
    const name = param(call, "work_pool_name");
    const row = await core.store.write(() => createQueue(core, foundPool(core.store, name).id, body));
    if (!row) throw new Refusal(409, "A work queue with this name already exists in work pool {work_pool_name!r}.");
    return reply(201, queueBody(core.store, row));
  },
  "GET /work_pools/{work_pool_name}/queues/{name}": async (call, { store }) => {
    const body = await store.read(() => {
      return queueBody(store, queueOfPool(store, param(call, "work_pool_name"), param(call, "name")));
    });
    return reply(200, body);
  },
  "POST /work_pools/{work_pool_name}/queues/filter": async (call, { store }) => {
    const body = call.body as ReadWorkQueuesBody;
    pageLimit(body.limit); // Refused before the pool is looked for.
    const bodies = await store.read(() => {
      const pool = foundPool(store, param(call, "work_pool_name"));
      const where = combine([
        { sql: "q.work_pool_id = ?", parameters: [pool.id] },
        whereWorkQueues({ work_queues: body.work_queues }),
      ]);
      return readQueues(store, where, { page: body, order: "q.priority, q.no" }).map((row) => queueBody(store, row));
    });
    return reply(200, bodies);
  },
  "PATCH /work_pools/{work_pool_name}/queues/{name}": async (call, core) => {
    await core.store.write(() => {
      const pool = foundPool(core.store, param(call, "work_pool_name"));
      updateQueue(core, foundQueue(core.store, pool, param(call, "name")), call.body as WorkQueueUpdate);
    });
    return reply(204);
  },
  "DELETE /work_pools/{work_pool_name}/queues/{name}": async (call, core) => {
    await core.store.write(() => {
      const pool = foundPool(core.store, param(call, "work_pool_name"));
      deleteQueue(core, foundQueue(core.store, pool, param(call, "name")));
    });
    return reply(204);
  },
  "POST /work_queues/": async (call, core) => {
    const body = call.body as WorkQueueCreate;
    const row = await core.store.write(() => createLooseQueue(core, body));
    if (!row) throw new Refusal(409, "A work queue with this name already exists.");
    return reply(201, queueBody(core.store, row));
  },
  "POST /work_queues/filter": async (call, { store }) => {
    const body = call.body as WorkQueuesReadWorkQueuesBody;
    const where = whereWorkQueues({ work_queues: body.work_queues });
    const bodies = await store.read(() =>
      readQueues(store, where, { page: body, order: "q.name, q.no" }).map((row) => queueBody(store, row, ownSlots)),
    );
    return reply(200, bodies);
  },
  "GET /work_queues/name/{name}": async (call, { store }) => {
    const body = await store.read(() => {
      const name = param(call, "name");
      const pool = poolByName(store, AGENT_POOL);
      // Before there is an agents' pool, a queue of any pool answers to its name.
      const row = pool
        ? queueByName(store, pool.id, name)
        : readQueues(store, { sql: "q.name = ?", parameters: [name] }, { page: { limit: 1 }, order: "q.no" })[0];
      if (!row) throw new Refusal(404, "work queue not found");
      return queueBody(store, row, ownSlots);
    });
    return reply(200, body);
  },
  "GET /work_queues/{id}": async (call, { store }) =>
    reply(200, await store.read(() => queueBody(store, found(store, param(call, "id")), ownSlots))),
  "PATCH /work_queues/{id}": async (call, core) => {
    const id = param(call, "id");
    await core.store.write(() => {
      const row = queueById(core.store, id);
      if (!row) throw new Refusal(404, `Work Queue ${id} not found`);
      updateQueue(core, row, call.body as WorkQueueUpdate);
    });
    return reply(204);
  },
  "DELETE /work_queues/{id}": async (call, core) => {
    await core.store.write(() => deleteQueue(core, found(core.store, param(call, "id"))));
    return reply(204);
  },
  "POST /work_queues/{id}/get_runs": async (call, core) => {
    const { store } = core;
    const body = call.body as ReadWorkQueueRunsBody;
    const runs = await store.write(() => {
      const id = param(call, "id");
      const queue = queueById(store, id);
      if (!queue) throw new ObjectNotFound(`Work queue with id ${id} not found.`);
      const beforeUs = body.scheduled_before ? isoToMicros(body.scheduled_before) : undefined;
      const rows = runsOfQueueAlone(store, queue, { beforeUs, limit: pageLimit(body.limit) });
      if (call.isPage) return rows;
      noteQueuePolls(core, [queue]);
      noteDeploymentPolls(core, deploymentsOfQueues(store, [queue.id]));
      return rows;
    });
    // The contract names no pool here.
    const noPool = { work_pool_id: null, work_pool_name: null };
    return reply(200, await store.read(() => runs.map((run) => Object.assign(flowRunView(store, run), noPool))));
  },
  "GET /work_queues/{id}/status": async (call, { store }) =>
    reply(200, await store.read(() => statusOf(store, param(call, "id")))),
  "POST /work_queues/{id}/concurrency_status": async (call, { store }) => {
    const { page = 1, ...body } = call.body as ReadWorkQueueConcurrencyStatusBody;
    const status = await store.read(() => {
      const queue = queueById(store, param(call, "id"));
      if (!queue) throw new Refusal(404, "Work queue not found.");
      const limit = pageLimit(body.limit);
      const count = ownSlots(store, queue);
      const runs = slotHolders(store, queue.id, { limit, offset: (page - 1) * limit, forPool: false });
      const now = store.nowUs();
      return {
        active_slots: count,
        concurrency_limit: queue.concurrency_limit,
        flow_runs: runs.map((run) => slotSummary(run, now)),
        count,
        limit,
        pages: limit > 0 ? Math.ceil(count / limit) : 0,
        page,
      };
    });
    return reply(200, status);
  },
};

function found(store: Store, id: string): WorkQueueRow {
  const row = queueById(store, id);
  if (!row) throw new Refusal(404, "work queue not found");
  return row;
}

function readQueues(
  store: Store,
  where: Condition,
  { page, order }: { readonly page: { readonly limit?: number; readonly offset?: number }; readonly order: string },
): WorkQueueRow[] {
  const sql = `SELECT q.* FROM work_queue q WHERE ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`;
  // STRICT table: the columns have these types.
  return store.query(sql, [...where.parameters, ...bounds(page)]) as unknown as WorkQueueRow[];
}

/** A queue by the names of its pool and its own. @throws Refusal 404 */
function queueOfPool(store: Store, poolName: string, name: string): WorkQueueRow {
  const pool = poolByName(store, poolName);
  const queue = pool && queueByName(store, pool.id, name);
  if (!queue) throw new Refusal(404, `Work pool queue '${poolName}/${name}' not found.`);
  return queue;
}

function statusOf(store: Store, id: string): Record<string, unknown> {
  const queue = queueById(store, id);
  if (!queue) throw new ObjectNotFound(`Work queue with id ${id} not found`);
  const late = lateRuns(store, id);
  const isPolled = queue.last_polled !== null && store.nowUs() - queue.last_polled <= HEALTHY_SECONDS * 1e6;
  return {
    healthy: late === 0 && isPolled,
    late_runs_count: late,
    last_polled: isoOrNull(queue.last_polled),
    health_check_policy: { maximum_late_runs: 0, maximum_seconds_since_last_polled: HEALTHY_SECONDS },
  };
}
