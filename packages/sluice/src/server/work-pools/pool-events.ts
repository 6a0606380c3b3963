import type { WorkPoolStorageConfiguration } from "../../wire/contract/shapes.ts";
import { newId } from "../db/new-id.ts";
import type { EventLog, NewEvent } from "../events/event-log.ts";
import type { Store } from "../db/store.ts";
import { poolById, type WorkPoolRow, type WorkQueueRow } from "./pool-rows.ts";

/** Where pools are kept and what happens to them is told. */
export interface PoolCore {
  readonly store: Store;
  readonly events: EventLog;
}

/** Statuses further apart are in order by their times alone. */
const NEAR_US = 300_000_000;

type Act = "created" | "updated" | "deleted";

function poolResource(pool: WorkPoolRow): Record<string, string> {
  return {
    "prefect.resource.id": `prefect.work-pool.${pool.id}`,
    "prefect.resource.name": pool.name,
    "prefect.work-pool.type": pool.type,
  };
}

/** What is another than before, by name. */
type Updates = Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>>;

/** Tells that a pool was made, changed or deleted. Runs inside the write. */
export function tellPool(
  { events }: PoolCore,
  act: Act,
  { pool, updates }: { readonly pool: WorkPoolRow; readonly updates?: Updates },
): void {
  events.append({
    event: `prefect.work-pool.${act}`,
    resource: { ...poolResource(pool), "prefect.resource.role": "work-pool" },
    related: updates ? [] : relatedOf(pool),
    ...payloadOf(updates),
  });
}

/** Tells a pool's new status: ready, not-ready or paused; the event follows that of the status before. Runs inside the write. */
export function tellPoolStatus({ store, events }: PoolCore, pool: WorkPoolRow): void {
  const now = store.nowUs();
  const id = newId(now);
  const event = `prefect.work-pool.${statusWord(pool.status)}`;
  events.append({ id, event, resource: poolResource(pool), occurredUs: now, follows: statusBefore(store, pool, now) });
  store.statement("UPDATE work_pool SET last_status_event_id = ? WHERE id = ?").run(id, pool.id);
}

function statusBefore(store: Store, pool: WorkPoolRow, nowUs: number): string | null {
  const id = pool.last_status_event_id;
  const row = id === null ? undefined : store.statement("SELECT occurred FROM event WHERE id = ?").get(id);
  return row && nowUs - Number(row["occurred"]) < NEAR_US ? id : null;
}

function payloadOf(updates: Updates | undefined): Pick<NewEvent, "payload"> {
  return updates ? { payload: { updated_fields: Object.keys(updates), updates } } : {};
}

function relatedOf(pool: WorkPoolRow): Record<string, string>[] {
  const related = [];
  if (pool.default_queue_id !== null) {
    related.push({
      "prefect.resource.id": `prefect.work-queue.${pool.default_queue_id}`,
      "prefect.resource.role": "default-queue",
    });
  }
  // Written from a validated body.
  const storage = JSON.parse(pool.storage_configuration) as WorkPoolStorageConfiguration;
  if (storage.default_result_storage_block_id) {
    related.push({
      "prefect.resource.id": `prefect.block-document.${storage.default_result_storage_block_id}`,
      "prefect.resource.role": "result-storage",
    });
  }
  return related;
}

/** Tells that a queue was made, changed or deleted. Runs inside the write. */
export function tellQueue(
  core: PoolCore,
  act: Act,
  { queue, updates }: { readonly queue: WorkQueueRow; readonly updates?: Updates },
): void {
  core.events.append({
    event: `prefect.work-queue.${act}`,
    resource: { ...queueResource(queue), "prefect.resource.role": "work-queue" },
    related: relatedPool(core.store, queue),
    ...payloadOf(updates),
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
