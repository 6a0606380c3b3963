import { LARGEST_GROUP } from "../db/layout/run-events.ts";
import type { Store } from "../db/store.ts";
import type { Service } from "./service.ts";

/** Events that are taken away in one write: some milliseconds. */
const PORTION = 500;

/** Takes away events that are older than they are kept for. */
export const dbVacuum: Service = {
  name: "DB_VACUUM",
  isEnabled: ({ settings }) => settings.dbVacuumEnabled,
  loopSeconds: ({ settings }) => settings.dbVacuumLoopSeconds,
  run: async ({ store, settings }) => {
    const before = store.nowUs() - settings.eventsRetentionSeconds * 1e6;
    while ((await store.write(() => deleteOldEvents(store, before))) === PORTION);
  },
};

/**
 * The events of a group go with its first one, as their bodies are there. The newest event, or its group, stays however old it is: numbers go on from
 * it, and automations and streams have noted up to which number they have read.
 *
 * @returns how many, a group counted as one
 */
function deleteOldEvents(store: Store, beforeUs: number): number {
  const rows = store
    .statement(
      `SELECT no, body FROM event WHERE occurred < ? AND (place IS NULL OR place = 0)
         AND no < (SELECT no - coalesce(place, 0) FROM event ORDER BY no DESC LIMIT 1) ORDER BY occurred LIMIT ${PORTION}`,
    )
    .all(beforeUs);
  for (const { no, body } of rows) {
    store
      .statement(
        `DELETE FROM event_related WHERE event_no = ?1 AND resource_id IN
           (SELECT value ->> '$."prefect.resource.id"' FROM json_each(?2, '$.related'))`,
      )
      .run(Number(no), String(body));
    store
      .statement(`DELETE FROM event WHERE no BETWEEN ?1 AND ?1 + ${LARGEST_GROUP - 1} AND (no = ?1 OR place = no - ?1)`)
      .run(Number(no));
  }
  return rows.length;
}
