import type {
  FlowRunSlotSummary,
  WorkerResponse,
  WorkPoolResponse,
  WorkQueueResponse,
} from "../../wire/contract/shapes.ts";
import { clientVersionOf, knowsResultStorage } from "../../rules/policies/client-version.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { isoOrNull } from "../queries/render.ts";
import { AGENT_TYPE, poolById, type WorkerRow, type WorkPoolRow, type WorkQueueRow } from "./pool-rows.ts";
import { poolSlots, queueSlots } from "./scheduled-runs.ts";

/** A pool as a client of this `User-Agent` is shown it. */
export function poolBodyFor(store: Store, row: WorkPoolRow, userAgent: string | undefined): WorkPoolResponse {
  const body = poolBody(store, row);
  if (knowsResultStorage(clientVersionOf(userAgent))) return body;
  const { default_result_storage_block_id: _unknown, ...known } = body.storage_configuration ?? {};
  return { ...body, storage_configuration: known };
}

/** A pool as the wire shows it. */
export function poolBody(store: Store, row: WorkPoolRow): WorkPoolResponse {
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    description: row.description,
    type: row.type,
    // Written from validated bodies.
    base_job_template: JSON.parse(row.base_job_template) as Record<string, unknown>,
    is_paused: row.is_paused === 1,
    concurrency_limit: row.concurrency_limit,
    status: row.type === AGENT_TYPE ? null : row.status,
    default_queue_id: row.default_queue_id,
    storage_configuration: JSON.parse(row.storage_configuration) as NonNullable<
      WorkPoolResponse["storage_configuration"]
    >,
    active_slots: row.concurrency_limit === null ? null : poolSlots(store, row.id),
  };
}

/**
 * A queue as the wire shows it.
 *
 * @param slots counts its slots: as its pool sees them unless said otherwise
 */
export function queueBody(
  store: Store,
  row: WorkQueueRow,
  slots: (store: Store, row: WorkQueueRow) => number = (_store, { id }) => queueSlots(store, id),
): WorkQueueResponse {
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    description: row.description,
    is_paused: row.is_paused === 1,
    concurrency_limit: row.concurrency_limit,
    priority: row.priority,
    work_pool_id: row.work_pool_id,
    // Written from a validated body.
    filter: row.filter === null ? null : (JSON.parse(row.filter) as NonNullable<WorkQueueResponse["filter"]>),
    last_polled: isoOrNull(row.last_polled),
    work_pool_name: poolById(store, row.work_pool_id)?.name ?? null,
    status: row.status,
    active_slots: row.concurrency_limit === null ? null : slots(store, row),
  };
}

/** A worker as the wire shows it. */
export function workerBody(row: WorkerRow): WorkerResponse {
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    work_pool_id: row.work_pool_id,
    last_heartbeat_time: microsToIso(row.last_heartbeat),
    heartbeat_interval_seconds: row.heartbeat_interval_seconds,
    status: row.status,
  };
}

/** A run that takes a slot, as the wire shows it. */
export function slotSummary(row: FlowRunRow, nowUs: number): FlowRunSlotSummary {
  return {
    id: row.id,
    name: row.name,
    state_type: row.state_type,
    state_name: row.state_name,
    start_time: isoOrNull(row.start_time),
    state_timestamp: isoOrNull(row.state_timestamp),
    time_in_current_state: row.state_timestamp === null ? null : (nowUs - row.state_timestamp) / 1e6,
  };
}
