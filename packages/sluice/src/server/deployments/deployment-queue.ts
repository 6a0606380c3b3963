import { Refusal } from "../api-reply.ts";
import { looseQueue } from "../work-pools/agent-pool.ts";
import type { PoolCore } from "../work-pools/pool-events.ts";
import { poolByName, queueByName, type WorkPoolRow } from "../work-pools/pool-rows.ts";
import { createQueue } from "../work-pools/queues.ts";
import type { Store } from "../db/store.ts";

/** Where runs go, by names. */
export interface QueueNames {
  readonly pool: string | null | undefined;
  readonly queue: string | null | undefined;
}

/**
 * Finds the queue of these names: that of the pool, made when it is not there; the pool's default one; or one without a pool.
 * Runs inside a write.
 *
 * @returns its id; null when no name is given
 * @throws Refusal 404 for an unknown pool
 */
export function queueIdOf(core: PoolCore, { pool: poolName, queue }: QueueNames): string | null {
  if (poolName) {
    const pool = foundWorkPool(core.store, poolName);
    return queue ? queueIdIn(core, pool, queue) : pool.default_queue_id;
  }
  return queue ? looseQueue(core, queue).id : null;
}

/** The id of a queue of a pool, made when it is not there. Runs inside a write. */
export function queueIdIn(core: PoolCore, pool: WorkPoolRow, name: string): string {
  const queue = queueByName(core.store, pool.id, name) ?? createQueue(core, pool.id, { name });
  if (!queue) throw new Error(`the queue ${name} could not be made although it is not there`);
  return queue.id;
}

/** Finds a pool. @throws Refusal 404 */
export function foundWorkPool(store: Store, name: string): WorkPoolRow {
  const pool = poolByName(store, name);
  if (!pool) throw new Refusal(404, `Work pool "${name}" not found.`);
  return pool;
}

/** The pool that a deployment's runs go to. */
export function poolOfQueue(store: Store, queueId: string | null): WorkPoolRow | undefined {
  if (queueId === null) return undefined;
  const query = store.statement(
    "SELECT p.* FROM work_pool p JOIN work_queue q ON q.work_pool_id = p.id WHERE q.id = ?",
  );
  // STRICT table: the columns have these types.
  return query.get(queueId) as WorkPoolRow | undefined;
}
