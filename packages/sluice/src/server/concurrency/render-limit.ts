import type { GlobalConcurrencyLimitResponse } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { activeSlots, type ConcurrencyLimitRow } from "./concurrency-limits.ts";

/** A limit as deployments and users of limits see it. */
export function globalLimitBody(row: ConcurrencyLimitRow, nowUs: number): GlobalConcurrencyLimitResponse {
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    active: row.active === 1,
    name: row.name,
    limit: row.max_slots,
    active_slots: activeSlots(row, nowUs),
    slot_decay_per_second: row.slot_decay_per_second,
  };
}
