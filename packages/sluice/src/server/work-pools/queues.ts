import type { WorkQueueCreate, WorkQueueUpdate } from "../../wire/contract/shapes.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import { DATA_CONFLICT, Refusal } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import { tellQueue, tellQueueStatus, type PoolCore } from "./pool-events.ts";
import { poolById, queueById, queueByName, queuesOf, type WorkQueueRow } from "./pool-rows.ts";

/** Changes of these are told in events. */
const CHANGES_TOLD = { name: false, description: false, concurrency_limit: false, priority: false } as const;
/** A queue that was polled within this time has somebody who works on it. */
const READY_SECONDS = 60;

/** Stores a new queue of a pool. Runs inside a write. @returns undefined when the name is taken */
export function createQueue(core: PoolCore, poolId: string, body: WorkQueueCreate): WorkQueueRow | undefined {
  const { store } = core;
  if (queueByName(store, poolId, body.name)) return undefined;
  const now = store.nowUs();
  const id = newId(now);
  store
    .statement(
      `INSERT INTO work_queue (id, work_pool_id, name, description, is_paused, concurrency_limit, priority, filter, last_polled, status, created, updated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?)`,
    )
    .run(
      id,
      poolId,
      body.name,
      body.description ?? "",
      body.is_paused ? 1 : 0,
      body.concurrency_limit ?? null,
      body.priority ?? freePriority(store, poolId),
      filterText(body.filter),
      "NOT_READY",
      now,
      now,
    );
  if (body.priority) spreadPriorities(store, poolId, { id, priority: body.priority });
  const queue = foundQueue(store, id);
  tellQueue(core, "created", { queue });
  return queue;
}

/** The first priority that no queue of the pool has. */
function freePriority(store: Store, poolId: string): number {
  const taken = new Set(queuesOf(store, poolId).map(({ priority }) => priority));
  let priority = 1;
  while (taken.has(priority)) priority++;
  return priority;
}

/** Puts a queue at its priority and moves those at or after it on, no further than needed. */
function spreadPriorities(
  store: Store,
  poolId: string,
  wanted?: { readonly id: string; readonly priority: number },
): void {
  const others = queuesOf(store, poolId).filter(({ id }) => id !== wanted?.id);
  const order: { readonly id: string; readonly priority: number }[] = others.map(({ id, priority }) => ({
    id,
    priority,
  }));
  if (wanted) {
    const at = order.findIndex(({ priority }) => priority >= wanted.priority);
    order.splice(at === -1 ? order.length : at, 0, wanted);
  }
  const update = store.statement("UPDATE work_queue SET priority = ? WHERE id = ?");
  let last = 0;
  for (const { id, priority } of order) {
    last = Math.max(priority, last + 1);
    update.run(last, id);
  }
}

/** Changes what is given of a queue. Runs inside a write. @throws Refusal 409 when the new name is taken, and for null where a value must be */
export function updateQueue(core: PoolCore, queue: WorkQueueRow, body: WorkQueueUpdate): void {
  const { store } = core;
  const { name, description, concurrency_limit: limit, priority, filter, is_paused: isPaused } = body;
  if (name === null || description === null || priority === null) throw new Refusal(409, DATA_CONFLICT);
  if (name !== undefined && name !== queue.name && queueByName(store, queue.work_pool_id, name))
    throw new Refusal(409, DATA_CONFLICT);
  const polled = body.last_polled === undefined ? queue.last_polled : (isoToMicros(body.last_polled ?? "") ?? null);
  const columns = {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(limit === undefined ? {} : { concurrency_limit: limit }),
    ...(filter === undefined ? {} : { filter: filterText(filter) }),
    ...(polled === queue.last_polled ? {} : { last_polled: polled }),
    ...(isPaused === undefined
      ? {}
      : { is_paused: isPaused ? 1 : 0, status: statusAfter(store, { queue, isPaused, polled }) }),
  };
  patchQueue(store, queue.id, columns);
  if (priority !== undefined) spreadPriorities(store, queue.work_pool_id, { id: queue.id, priority });
  const after = foundQueue(store, queue.id);
  const updates = changesOf(queue, after, CHANGES_TOLD);
  if (Object.keys(updates).length > 0) tellQueue(core, "updated", { queue: after, updates });
  if (after.status !== queue.status) tellQueueStatus(core, after);
}

function statusAfter(
  store: Store,
  change: { readonly queue: WorkQueueRow; readonly isPaused: boolean; readonly polled: number | null },
): WorkQueueRow["status"] {
  const { queue, isPaused, polled } = change;
  if (isPaused) return "PAUSED";
  if (queue.status !== "PAUSED") return queue.status;
  return isRecent(polled, store.nowUs()) ? "READY" : "NOT_READY";
}

function isRecent(polled: number | null, nowUs: number): boolean {
  return polled !== null && nowUs - polled <= READY_SECONDS * 1e6;
}

function filterText(filter: WorkQueueCreate["filter"]): string | null {
  return filter ? JSON.stringify({ tags: filter.tags ?? null, deployment_ids: filter.deployment_ids ?? null }) : null;
}

/** What is another than before, by name. @param names columns to compare; true for those that hold JSON */
export function changesOf<Row extends object>(
  before: Row,
  after: Row,
  names: Readonly<Partial<Record<keyof Row & string, boolean>>>,
): Record<string, { readonly from: unknown; readonly to: unknown }> {
  const changes: Record<string, { readonly from: unknown; readonly to: unknown }> = {};
  for (const [name, isJson] of Object.entries(names)) {
    // A key of the row, as the type of the names says.
    const [from, to] = [before[name as keyof Row], after[name as keyof Row]];
    if (from !== to)
      changes[name] = isJson ? { from: JSON.parse(String(from)), to: JSON.parse(String(to)) } : { from, to };
  }
  return changes;
}

type Value = string | number | null;

/** Writes columns of a queue. Runs inside a write. */
export function patchQueue(store: Store, id: string, columns: Readonly<Record<string, Value>>): void {
  const names = Object.keys(columns);
  if (names.length === 0) return;
  store
    .statement(`UPDATE work_queue SET ${names.map((name) => `${name} = ?`).join(", ")}, updated = ? WHERE id = ?`)
    .run(...Object.values(columns), store.nowUs(), id);
}

/** Takes a queue away; runs and deployments keep its name. Runs inside a write. @throws Refusal 409 for a pool's default queue */
export function deleteQueue(core: PoolCore, queue: WorkQueueRow): void {
  const { store } = core;
  if (poolById(store, queue.work_pool_id)?.default_queue_id === queue.id)
    throw new Refusal(409, "Can't delete a pool's default queue.");
  tellQueue(core, "deleted", { queue });
  dropQueue(store, queue.id);
  spreadPriorities(store, queue.work_pool_id);
}

/** Takes a queue's row away with what points to it. Runs inside a write. */
export function dropQueue(store: Store, id: string): void {
  store.statement("UPDATE flow_run SET work_queue_id = NULL WHERE work_queue_id = ?").run(id);
  store.statement("UPDATE deployment SET work_queue_id = NULL WHERE work_queue_id = ?").run(id);
  store.statement("DELETE FROM work_queue WHERE id = ?").run(id);
}

/** Notes that somebody looked for work in queues: they are ready. Runs inside a write. */
export function noteQueuePolls(core: PoolCore, queues: readonly WorkQueueRow[]): void {
  const { store } = core;
  const now = store.nowUs();
  const update = store.statement("UPDATE work_queue SET last_polled = ?, status = ? WHERE id = ?");
  for (const queue of queues) {
    const status = queue.status === "NOT_READY" ? "READY" : queue.status;
    update.run(now, status, queue.id);
    if (status !== queue.status) tellQueueStatus(core, { ...queue, status });
  }
}

function foundQueue(store: Store, id: string): WorkQueueRow {
  const queue = queueById(store, id);
  if (!queue) throw new Error(`the queue ${id} was just written and is not there`);
  return queue;
}
