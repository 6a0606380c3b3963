import type { EventLog, NewEvent } from "../events/event-log.ts";
import type { Store } from "../db/store.ts";
import { AGENT_TYPE, poolById, type WorkPoolRow, type WorkQueueRow } from "./pool-rows.ts";

/** Where pools are kept and what happens to them is told. */
export interface PoolCore {
  readonly store: Store;
  readonly events: EventLog;
}

type Act = "created" | "updated" | "deleted";

function poolResource(pool: WorkPoolRow): Record<string, string> {
  return {
    "prefect.resource.id": `prefect.work-pool.${pool.id}`,
    "prefect.resource.name": pool.name,
    "prefect.work-pool.type": pool.type,
  };
}

/** Tells that a pool was made, changed or deleted. Runs inside the write. */
export function tellPool(
  { events }: PoolCore,
  act: Act,
  { pool, payload = {} }: { readonly pool: WorkPoolRow; readonly payload?: NewEvent["payload"] },
): void {
  const queue = { "prefect.resource.id": `prefect.work-queue.${pool.default_queue_id ?? ""}` };
  events.append({
    event: `prefect.work-pool.${act}`,
    resource: { ...poolResource(pool), "prefect.resource.role": "work-pool" },
    related: [{ ...queue, "prefect.resource.role": "default-queue" }],
    payload: payload ?? {},
  });
}

/** Tells a pool's new status: ready, not-ready or paused. Runs inside the write. */
export function tellPoolStatus({ events }: PoolCore, pool: WorkPoolRow): void {
  if (pool.type === AGENT_TYPE) return;
  events.append({ event: `prefect.work-pool.${statusWord(pool.status)}`, resource: poolResource(pool) });
}

/** Tells that a queue was made, changed or deleted. Runs inside the write. */
export function tellQueue(
  core: PoolCore,
  act: Act,
  { queue, payload = {} }: { readonly queue: WorkQueueRow; readonly payload?: NewEvent["payload"] },
): void {
  core.events.append({
    event: `prefect.work-queue.${act}`,
    resource: { ...queueResource(queue), "prefect.resource.role": "work-queue" },
    related: relatedPool(core.store, queue),
    payload: payload ?? {},
  });
}

/** Tells a queue's new status. Runs inside the write. */
export function tellQueueStatus(core: PoolCore, queue: WorkQueueRow): void {
  core.events.append({
    event: `prefect.work-queue.${statusWord(queue.status)}`,
    resource: { ...queueResource(queue), "prefect.resource.role": "work-queue" },
    related: relatedPool(core.store, queue),
  });
}

function queueResource(queue: WorkQueueRow): Record<string, string> {
  return { "prefect.resource.id": `prefect.work-queue.${queue.id}`, "prefect.resource.name": queue.name };
}

function relatedPool(store: Store, queue: WorkQueueRow): Record<string, string>[] {
  const pool = poolById(store, queue.work_pool_id);
  return pool ? [{ ...poolResource(pool), "prefect.resource.role": "work-pool" }] : [];
}

function statusWord(status: WorkPoolRow["status"]): string {
  return status.toLowerCase().replace("_", "-");
}
