import type { WorkQueueCreate } from "../../wire/contract/shapes.ts";
import type { PoolCore } from "./pool-events.ts";
import { AGENT_TYPE, poolByName, queueByName, type WorkQueueRow } from "./pool-rows.ts";
import { createPool } from "./pools.ts";
import { createQueue } from "./queues.ts";

/** Where queues live that are made without a pool. */
export const AGENT_POOL = "default-agent-pool";

/** Queues without a pool live in that of the agents, which is made when it is needed first. Runs inside a write. @returns undefined when the name is taken */
export function createLooseQueue(core: PoolCore, body: WorkQueueCreate): WorkQueueRow | undefined {
  const known = poolByName(core.store, AGENT_POOL);
  if (known) return createQueue(core, known.id, body);
  const pool = createPool(core, { name: AGENT_POOL, type: AGENT_TYPE });
  if (!pool) return undefined;
  return body.name === "default" ? queueByName(core.store, pool.id, "default") : createQueue(core, pool.id, body);
}

/** The queue of this name among those without a pool, made when it is not there. Runs inside a write. */
export function looseQueue(core: PoolCore, name: string): WorkQueueRow {
  const pool = poolByName(core.store, AGENT_POOL);
  const known = pool && queueByName(core.store, pool.id, name);
  const queue = known ?? createLooseQueue(core, { name, priority: 1 });
  if (!queue) throw new Error(`the queue ${name} could not be made although it is not there`);
  return queue;
}
