import type { EventLog } from "../events/event-log.ts";
import type { ConcurrencyLimitRow } from "./concurrency-limits.ts";

/** Tells of a concurrency limit. Runs inside the write that changes it. */
export function tellLimit(events: EventLog, act: "created" | "updated" | "deleted", limit: ConcurrencyLimitRow): void {
  events.append({
    event: `prefect.concurrency-limit.${act}`,
    resource: {
      "prefect.resource.id": `prefect.concurrency-limit.${limit.id}`,
      "prefect.resource.name": limit.name,
    },
    payload: {
      name: limit.name,
      limit: limit.max_slots,
      active: limit.active === 1,
      slot_decay_per_second: limit.slot_decay_per_second,
    },
  });
}
