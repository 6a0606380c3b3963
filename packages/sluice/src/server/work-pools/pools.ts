import type { WorkPoolCreate, WorkPoolUpdate } from "../../wire/contract/shapes.ts";
import { DATA_CONFLICT, Refusal } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import { tellPool, tellPoolStatus, tellQueue, type PoolCore } from "./pool-events.ts";
import { AGENT_TYPE, poolById, poolByName, queuesOf, workersOf, type WorkPoolRow } from "./pool-rows.ts";
import { changesOf, createQueue, dropQueue } from "./queues.ts";

const DEFAULT_STORAGE = {
  bundle_upload_step: null,
  bundle_execution_step: null,
  default_result_storage_block_id: null,
};

/** Changes of these are told in events; JSON is told as what it says. */
const CHANGES_TOLD = {
  description: false,
  base_job_template: true,
  concurrency_limit: false,
  storage_configuration: true,
} as const;

/** Changes of these are shown to the pool's workers at once. */
const CHANGES_SHOWN = ["base_job_template", "concurrency_limit", "is_paused", "storage_configuration"] as const;

/** Where pools are kept, and those who want to hear at once when one is another than before. */
export interface WatchedPools extends PoolCore {
  readonly workerChannels: { noteChange(poolId: string): void };
}

/** Stores a new pool with its default queue. Runs inside a write. @returns undefined when the name is taken */
export function createPool(core: PoolCore, body: WorkPoolCreate): WorkPoolRow | undefined {
  const { store } = core;
  if (poolByName(store, body.name)) return undefined;
  const now = store.nowUs();
  const id = newId(now);
  store
    .statement(
      `INSERT INTO work_pool (id, name, type, description, base_job_template, storage_configuration, is_paused, concurrency_limit, status, created, updated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      body.name,
      body.type ?? AGENT_TYPE,
      body.description ?? null,
      JSON.stringify(body.base_job_template ?? {}),
      JSON.stringify({ ...DEFAULT_STORAGE, ...body.storage_configuration }),
      body.is_paused ? 1 : 0,
      body.concurrency_limit ?? null,
      body.is_paused && body.type !== AGENT_TYPE ? "PAUSED" : "NOT_READY",
      now,
      now,
    );
  const queue = createQueue(core, id, { name: "default", description: "The work pool's default queue." });
  store.statement("UPDATE work_pool SET default_queue_id = ? WHERE id = ?").run(queue?.id ?? null, id);
  const pool = foundPool(store, id);
  tellPool(core, "created", { pool });
  tellPoolStatus(core, pool);
  return pool;
}

/** Changes what is given of a pool. Runs inside a write. @throws Refusal 409 for null where a value must be */
export function updatePool(core: WatchedPools, pool: WorkPoolRow, body: WorkPoolUpdate): void {
  const { store } = core;
  const { description, is_paused: isPaused, concurrency_limit: limit, base_job_template: template } = body;
  if (isPaused === null || template === null || body.storage_configuration === null)
    throw new Refusal(409, DATA_CONFLICT);
  const isAgents = pool.type === AGENT_TYPE;
  const columns = {
    ...(description === undefined ? {} : { description }),
    ...(template === undefined ? {} : { base_job_template: JSON.stringify(template) }),
    ...(body.storage_configuration
      ? { storage_configuration: JSON.stringify({ ...DEFAULT_STORAGE, ...body.storage_configuration }) }
      : {}),
    ...(isPaused === undefined ? {} : { is_paused: isPaused ? 1 : 0 }),
    ...(isPaused === undefined || isAgents ? {} : { status: statusFor(store, pool, isPaused) }),
    ...(limit === undefined ? {} : { concurrency_limit: limit }),
  };
  writePool(store, pool.id, columns);
  if (CHANGES_SHOWN.some((name) => body[name] !== undefined)) core.workerChannels.noteChange(pool.id);
  const after = foundPool(store, pool.id);
  const updates = changesOf(pool, after, CHANGES_TOLD);
  if (Object.keys(updates).length > 0) tellPool(core, "updated", { pool: after, updates });
  if (isPaused !== undefined && !isAgents) tellPoolStatus(core, after);
}

function statusFor(store: Store, pool: WorkPoolRow, isPaused: boolean): WorkPoolRow["status"] {
  if (isPaused) return "PAUSED";
  return workersOf(store, pool.id).some(({ status }) => status === "ONLINE") ? "READY" : "NOT_READY";
}

function writePool(store: Store, id: string, columns: Readonly<Record<string, string | number | null>>): void {
  const names = Object.keys(columns);
  if (names.length === 0) return;
  store
    .statement(`UPDATE work_pool SET ${names.map((name) => `${name} = ?`).join(", ")}, updated = ? WHERE id = ?`)
    .run(...Object.values(columns), store.nowUs(), id);
}

/** Gives a pool another status and tells. Runs inside a write. */
export function setPoolStatus(core: WatchedPools, pool: WorkPoolRow, status: WorkPoolRow["status"]): void {
  if (pool.status === status) return;
  writePool(core.store, pool.id, { status });
  core.workerChannels.noteChange(pool.id);
  tellPoolStatus(core, foundPool(core.store, pool.id));
}

/** Takes a pool away with its queues and workers. Runs inside a write. */
export function deletePool(core: WatchedPools, pool: WorkPoolRow): void {
  const { store } = core;
  for (const queue of queuesOf(store, pool.id)) {
    tellQueue(core, "deleted", { queue });
    dropQueue(store, queue.id);
  }
  tellPool(core, "deleted", { pool });
  store.statement("DELETE FROM worker WHERE work_pool_id = ?").run(pool.id);
  store.statement("DELETE FROM cleanup_message WHERE work_pool_id = ?").run(pool.id);
  store.statement("DELETE FROM work_pool WHERE id = ?").run(pool.id);
  core.workerChannels.noteChange(pool.id);
}

/** Notes that a worker lives; its pool is ready. Runs inside a write. @returns the worker's id */
export function noteHeartbeat(
  core: WatchedPools,
  pool: WorkPoolRow,
  worker: { readonly name: string; readonly intervalSeconds: number | null },
): string {
  const { store } = core;
  const now = store.nowUs();
  store
    .statement(
      `INSERT INTO worker (id, work_pool_id, name, last_heartbeat, heartbeat_interval_seconds, status, created, updated) VALUES (?, ?, ?, ?, ?, 'ONLINE', ?, ?)
       ON CONFLICT (work_pool_id, name) DO UPDATE SET last_heartbeat = excluded.last_heartbeat, status = 'ONLINE', updated = excluded.updated,
         heartbeat_interval_seconds = coalesce(excluded.heartbeat_interval_seconds, heartbeat_interval_seconds)`,
    )
    .run(newId(now), pool.id, worker.name, now, worker.intervalSeconds, now, now);
  if (pool.status === "NOT_READY") setPoolStatus(core, pool, "READY");
  const row = store.statement("SELECT id FROM worker WHERE work_pool_id = ? AND name = ?").get(pool.id, worker.name);
  return String(row?.["id"]);
}

function foundPool(store: Store, id: string): WorkPoolRow {
  const pool = poolById(store, id);
  if (!pool) throw new Error(`the pool ${id} was just written and is not there`);
  return pool;
}
