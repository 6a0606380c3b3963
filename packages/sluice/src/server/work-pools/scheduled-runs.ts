/**
 * The runs that a worker may start now: those of the most urgent queue first, in the order of their times, as many as the limits of pool and queues have
 * room for.
 */
import type { QueueFilter } from "../../wire/contract/shapes.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { Condition } from "../queries/condition.ts";
import { flowRunCondition } from "../queries/filter-runs.ts";
import type { WorkPoolRow, WorkQueueRow } from "./pool-rows.ts";

/** Which runs are looked for. */
export interface RunSearch {
  /** Microseconds; none for any. */
  readonly beforeUs: number | undefined;
  readonly afterUs: number | undefined;
  readonly limit: number;
}

/** States in which a run takes a slot of its pool, and of its queue as the pool sees it. */
const HELD = "('PENDING', 'RUNNING')";
/** States in which a run takes a slot of its queue as the queue's own routes see it. */
const HELD_OF_QUEUE = "('PENDING', 'RUNNING', 'CANCELLING')";
/** A run that its own process tries again waits for nobody else. */
const IS_FOR_WORKERS = "coalesce(json_extract(empirical_policy, '$.retry_type'), '') <> 'in_process'";

/** A run and the queue that it is in. */
export interface QueuedRun {
  readonly run: FlowRunRow;
  readonly queue: WorkQueueRow;
}

/** The runs of a pool that may start. @param queues those that the worker looks in, the most urgent first */
export function runsOfPool(
  store: Store,
  pool: WorkPoolRow,
  { queues, ...search }: RunSearch & { readonly queues: readonly WorkQueueRow[] },
): QueuedRun[] {
  if (pool.is_paused === 1) return [];
  const room = pool.concurrency_limit === null ? search.limit : pool.concurrency_limit - poolSlots(store, pool.id);
  let left = Math.min(search.limit, room);
  const found: QueuedRun[] = [];
  for (const queue of queues) {
    if (left <= 0) break;
    const runs = runsOfQueue(store, queue, { ...search, limit: left });
    found.push(...runs.map((run) => ({ run, queue })));
    left -= runs.length;
  }
  return found;
}

/** The runs of a queue that may start, as a worker of its pool sees it. */
function runsOfQueue(store: Store, queue: WorkQueueRow, search: RunSearch): FlowRunRow[] {
  if (queue.is_paused === 1) return [];
  const room = queue.concurrency_limit === null ? search.limit : queue.concurrency_limit - queueSlots(store, queue.id);
  const limit = Math.min(search.limit, room);
  if (limit <= 0) return [];
  const query = store.statement(
    `SELECT * FROM flow_run WHERE work_queue_id = ? AND state_type = 'SCHEDULED' AND next_scheduled_start_time BETWEEN ? AND ?
       AND ${IS_FOR_WORKERS} ORDER BY next_scheduled_start_time, no LIMIT ?`,
  );
  const [after, before] = [search.afterUs ?? Number.MIN_SAFE_INTEGER, search.beforeUs ?? Number.MAX_SAFE_INTEGER];
  // STRICT table: the columns have these types.
  return query.all(queue.id, after, before, limit) as unknown as FlowRunRow[];
}

/** The runs of a queue that may start, whatever its pool says: those of its filter, when it is an old one that has one. */
export function runsOfQueueAlone(
  store: Store,
  queue: WorkQueueRow,
  search: Pick<RunSearch, "beforeUs" | "limit">,
): FlowRunRow[] {
  if (queue.is_paused === 1) return [];
  const slots = queue.concurrency_limit === null ? 0 : ownSlots(store, queue);
  const limit = Math.min(search.limit, (queue.concurrency_limit ?? Infinity) - slots);
  if (limit <= 0) return [];
  const where = inQueue(queue);
  const rows = store.query(
    `SELECT r.* FROM flow_run r WHERE ${where.sql} AND r.state_type = 'SCHEDULED' AND r.next_scheduled_start_time <= ?
       ORDER BY r.next_scheduled_start_time, r.no LIMIT ?`,
    [...where.parameters, search.beforeUs ?? Number.MAX_SAFE_INTEGER, limit],
  );
  // STRICT table: the columns have these types.
  return rows as unknown as FlowRunRow[];
}

/** The runs that are a queue's: by its id, or by its filter. */
function inQueue({ id, filter }: WorkQueueRow): Condition {
  if (filter === null) return { sql: "r.work_queue_id = ?", parameters: [id] };
  // Written from a validated body.
  const { tags, deployment_ids: deployments } = JSON.parse(filter) as QueueFilter;
  return flowRunCondition({
    tags: { all_: tags ?? null },
    deployment_id: { any_: deployments ?? null, is_null_: false },
  });
}

/** Slots of a pool that runs take. */
export function poolSlots(store: Store, poolId: string): number {
  const query = store.statement(
    `SELECT count(*) AS n FROM flow_run r JOIN work_queue q ON q.id = r.work_queue_id WHERE q.work_pool_id = ? AND r.state_type IN ${HELD}`,
  );
  return Number(query.get(poolId)?.["n"]);
}

/** Slots of a queue that runs take, as its pool sees it. */
export function queueSlots(store: Store, queueId: string): number {
  const query = store.statement(`SELECT count(*) AS n FROM flow_run WHERE work_queue_id = ? AND state_type IN ${HELD}`);
  return Number(query.get(queueId)?.["n"]);
}

/** Slots of a queue that runs take, runs that are being cancelled among them unless the queue has a filter. */
export function ownSlots(store: Store, queue: WorkQueueRow): number {
  const where = inQueue(queue);
  const states = queue.filter === null ? HELD_OF_QUEUE : HELD;
  const sql = `SELECT count(*) AS n FROM flow_run r WHERE ${where.sql} AND r.state_type IN ${states}`;
  return Number(store.query(sql, where.parameters)[0]?.["n"]);
}

/** The runs that take slots of a queue, in the order of their ids. @param page `forPool` leaves out those that are being cancelled */
export function slotHolders(
  store: Store,
  queueId: string,
  page: { readonly limit: number; readonly offset: number; readonly forPool: boolean },
): FlowRunRow[] {
  const query = store.statement(
    `SELECT * FROM flow_run WHERE work_queue_id = ? AND state_type IN ${page.forPool ? HELD : HELD_OF_QUEUE} ORDER BY id LIMIT ? OFFSET ?`,
  );
  // STRICT table: the columns have these types.
  return query.all(queueId, page.limit, page.offset) as unknown as FlowRunRow[];
}

/** How many runs of a queue are late. */
export function lateRuns(store: Store, queueId: string): number {
  const query = store.statement(
    "SELECT count(*) AS n FROM flow_run WHERE work_queue_id = ? AND state_type = 'SCHEDULED' AND state_name = 'Late'",
  );
  return Number(query.get(queueId)?.["n"]);
}
