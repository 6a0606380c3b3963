import { isoToMicros } from "../../wire/timestamp.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { stateNow } from "../orchestration/proposals.ts";
import { setFlowRunState } from "../orchestration/set-flow-run-state.ts";
import type { Service } from "./service.ts";

/** Paused runs that are looked at in one write. */
const PORTION = 200;

/** Fails the runs whose pause was to be resumed by a time that has passed. */
export const pauseExpirations: Service = {
  name: "PAUSE_EXPIRATIONS",
  isEnabled: ({ settings }) => settings.pauseExpirationsEnabled,
  loopSeconds: ({ settings }) => settings.pauseExpirationsLoopSeconds,
  run: async (core) => {
    const { store } = core;
    for (let last: number | undefined = 0; last !== undefined;) {
      const after: number = last;
      last = await store.write(() => {
        const rows = pausedAfter(store, after);
        for (const row of rows) {
          const timeoutUs = isoToMicros(stateNow(row)?.details.pause_timeout ?? "");
          if (timeoutUs === undefined || timeoutUs >= store.nowUs()) continue;
          const state = { type: "FAILED", message: "The flow was paused and never resumed." } as const;
          setFlowRunState(core, { id: row.id, state, policy: "minimal" });
        }
        return rows.length < PORTION ? undefined : rows.at(-1)?.no;
      });
    }
  },
};

function pausedAfter(store: Store, no: number): (FlowRunRow & { readonly no: number })[] {
  const query = store.statement(
    `SELECT * FROM flow_run WHERE state_type = 'PAUSED' AND no > ? ORDER BY no LIMIT ${String(PORTION)}`,
  );
  // STRICT table: the columns have these types.
  return query.all(no) as unknown as (FlowRunRow & { readonly no: number })[];
}
