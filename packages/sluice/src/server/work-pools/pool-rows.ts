import type { Store } from "../db/store.ts";

/** A work pool as stored; JSON in the template and the storage configuration. */
export interface WorkPoolRow {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly description: string | null;
  readonly base_job_template: string;
  readonly storage_configuration: string;
  readonly is_paused: number;
  readonly concurrency_limit: number | null;
  readonly default_queue_id: string | null;
  readonly status: "READY" | "NOT_READY" | "PAUSED";
  /** The event that told the status. */
  readonly last_status_event_id: string | null;
  readonly created: number;
  readonly updated: number;
}

/** A work queue as stored; JSON in the filter. */
export interface WorkQueueRow {
  readonly id: string;
  readonly work_pool_id: string;
  readonly name: string;
  readonly description: string;
  readonly is_paused: number;
  readonly concurrency_limit: number | null;
  readonly priority: number;
  readonly filter: string | null;
  readonly last_polled: number | null;
  readonly status: "READY" | "NOT_READY" | "PAUSED";
  readonly created: number;
  readonly updated: number;
}

/** A worker as stored. */
export interface WorkerRow {
  readonly id: string;
  readonly work_pool_id: string;
  readonly name: string;
  readonly last_heartbeat: number;
  readonly heartbeat_interval_seconds: number | null;
  readonly status: "ONLINE" | "OFFLINE";
  readonly created: number;
  readonly updated: number;
}

/** The type of a pool when nothing is said. Pools of agents show no status, and pausing one changes none. */
export const AGENT_TYPE = "prefect-agent";

/** Finds a pool by its unique name. */
export function poolByName(store: Store, name: string): WorkPoolRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM work_pool WHERE name = ?").get(name) as WorkPoolRow | undefined;
}

/** Finds a pool by id. */
export function poolById(store: Store, id: string): WorkPoolRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM work_pool WHERE id = ?").get(id) as WorkPoolRow | undefined;
}

/** Finds a queue by id. */
export function queueById(store: Store, id: string): WorkQueueRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM work_queue WHERE id = ?").get(id) as WorkQueueRow | undefined;
}

/** Finds a queue of a pool by its name. */
export function queueByName(store: Store, poolId: string, name: string): WorkQueueRow | undefined {
  const query = store.statement("SELECT * FROM work_queue WHERE work_pool_id = ? AND name = ?");
  // STRICT table: the columns have these types.
  return query.get(poolId, name) as WorkQueueRow | undefined;
}

/** The queues of a pool, the most urgent first. */
export function queuesOf(store: Store, poolId: string): WorkQueueRow[] {
  const query = store.statement("SELECT * FROM work_queue WHERE work_pool_id = ? ORDER BY priority, no");
  // STRICT table: the columns have these types.
  return query.all(poolId) as unknown as WorkQueueRow[];
}

/** The workers of a pool, the one heard of last first. */
export function workersOf(store: Store, poolId: string): WorkerRow[] {
  const query = store.statement("SELECT * FROM worker WHERE work_pool_id = ? ORDER BY last_heartbeat DESC");
  // STRICT table: the columns have these types.
  return query.all(poolId) as unknown as WorkerRow[];
}
