/**
 * The runs that a worker may start now: those of the most urgent queue first, in the order of their times, as many as the limits of pool and queues have
 * room for.
 */
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { WorkPoolRow, WorkQueueRow } from "./pool-rows.ts";

/** Which runs are looked for. */
export interface RunSearch {
  /** Microseconds; none for any. */
  readonly beforeUs: number | undefined;
  readonly afterUs: number | undefined;
  readonly limit: number;
}

/** States in which a run takes a slot of its pool and queue. */
const HELD = "('PENDING', 'RUNNING')";

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

/** The runs of a queue that may start. */
export function runsOfQueue(store: Store, queue: WorkQueueRow, search: RunSearch): FlowRunRow[] {
  if (queue.is_paused === 1) return [];
  const room = queue.concurrency_limit === null ? search.limit : queue.concurrency_limit - queueSlots(store, queue.id);
  const limit = Math.min(search.limit, room);
  if (limit <= 0) return [];
  const query = store.statement(
    `SELECT * FROM flow_run WHERE work_queue_id = ? AND state_type = 'SCHEDULED' AND next_scheduled_start_time <= ?
       AND next_scheduled_start_time >= ? ORDER BY next_scheduled_start_time, no LIMIT ?`,
  );
  const rows = query.all(
    queue.id,
    search.beforeUs ?? Number.MAX_SAFE_INTEGER,
    search.afterUs ?? Number.MIN_SAFE_INTEGER,
    limit,
  );
  // STRICT table: the columns have these types.
  return rows as unknown as FlowRunRow[];
}

/** Slots of a pool that runs take. */
export function poolSlots(store: Store, poolId: string): number {
  const query = store.statement(
    `SELECT count(*) AS n FROM flow_run r JOIN work_queue q ON q.id = r.work_queue_id WHERE q.work_pool_id = ? AND r.state_type IN ${HELD}`,
  );
  return Number(query.get(poolId)?.["n"]);
}

/** Slots of a queue that runs take. */
export function queueSlots(store: Store, queueId: string): number {
  const query = store.statement(`SELECT count(*) AS n FROM flow_run WHERE work_queue_id = ? AND state_type IN ${HELD}`);
  return Number(query.get(queueId)?.["n"]);
}

/** The runs that take slots of a queue, one after the other. */
export function slotHolders(
  store: Store,
  queueId: string,
  page: { readonly limit: number; readonly offset: number },
): FlowRunRow[] {
  const query = store.statement(
    "SELECT * FROM flow_run WHERE work_queue_id = ? AND state_type IN ('PENDING', 'RUNNING', 'CANCELLING') ORDER BY id LIMIT ? OFFSET ?",
  );
  // STRICT table: the columns have these types.
  return query.all(queueId, page.limit, page.offset) as unknown as FlowRunRow[];
}
