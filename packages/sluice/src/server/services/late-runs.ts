import { microsToIso } from "../../wire/timestamp.ts";
import { setFlowRunState } from "../orchestration/set-flow-run-state.ts";
import type { Service } from "./service.ts";

/** Runs that become late in one write. */
const PORTION = 200;

/** Tells of scheduled runs that nobody has started in time: they become Late, and stay to be started. */
export const lateRuns: Service = {
  name: "LATE_RUNS",
  isEnabled: ({ settings }) => settings.lateRunsEnabled,
  loopSeconds: ({ settings }) => settings.lateRunsLoopSeconds,
  run: async (core) => {
    const { store, settings } = core;
    for (let last: number | undefined = 0; last !== undefined;) {
      const after: number = last;
      last = await store.write(() => {
        const before = store.nowUs() - Math.round(settings.lateRunsAfterSeconds * 1e6);
        const rows = store
          .statement(
            `SELECT no, id, next_scheduled_start_time AS at FROM flow_run
             WHERE state_type = 'SCHEDULED' AND state_name = 'Scheduled' AND next_scheduled_start_time <= ? AND no > ? ORDER BY no LIMIT ${PORTION}`,
          )
          .all(before, after);
        for (const { id, at } of rows) {
          const state_details = { scheduled_time: microsToIso(Number(at)) };
          setFlowRunState(core, {
            id: String(id),
            state: { type: "SCHEDULED", name: "Late", state_details },
            policy: "late",
          });
        }
        return rows.length < PORTION ? undefined : Number(rows.at(-1)?.["no"]);
      });
    }
  },
};
