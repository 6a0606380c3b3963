import type { ScheduleRow } from "../deployments/deployment-rows.ts";
import type { ScheduleDates } from "../deployments/schedule-dates.ts";
import type { ServerCore } from "../server-core.ts";
import type { Service } from "./service.ts";

/** Schedules that are read in one go. */
const PORTION = 100;
/** Deployments changed while a round was running are seen by the next. */
const OVERLAP_SECONDS = 1;

/** Active schedules of deployments that are not paused. */
const ACTIVE = `SELECT s.* FROM deployment_schedule s JOIN deployment d ON d.id = s.deployment_id WHERE s.active = 1 AND d.paused = 0`;
/** The runs that a schedule has made and that are still to come, as a condition on flow runs. */
const AHEAD = `r.deployment_id = s.deployment_id AND r.state_type = 'SCHEDULED' AND r.auto_scheduled = 1
  AND r.next_scheduled_start_time >= :now AND json_extract(r.created_by, '$.id') = s.id`;

/** Makes runs for the schedules that have too few ahead. */
export const scheduler: Service = serviceOf({
  name: "SCHEDULER",
  loopSeconds: ({ settings }) => settings.schedulerLoopSeconds,
  where: ({ store, settings }) => {
    const now = store.nowUs();
    const until = now + settings.schedulerMinScheduledTimeSeconds * 1e6;
    const ahead = AHEAD.replaceAll(":now", String(now));
    return `((SELECT count(*) FROM flow_run r WHERE ${ahead}) < ${settings.schedulerMinRuns}
      OR (SELECT max(r.next_scheduled_start_time) FROM flow_run r WHERE ${ahead}) < ${until})`;
  },
});

/** Makes runs for deployments that were made or changed just now, so that they need not wait for the scheduler's next round. */
export const recentDeploymentsScheduler: Service = serviceOf({
  name: "RECENT_DEPLOYMENTS_SCHEDULER",
  loopSeconds: ({ settings }) => settings.schedulerRecentDeploymentsLoopSeconds,
  where: ({ store, settings }) => {
    const seconds = settings.schedulerRecentDeploymentsLoopSeconds + OVERLAP_SECONDS;
    return `d.updated >= ${store.nowUs() - Math.round(seconds * 1e6)}`;
  },
});

function serviceOf(how: {
  readonly name: string;
  readonly loopSeconds: Service["loopSeconds"];
  /** Which schedules are looked at. */
  readonly where: (core: ServerCore) => string;
}): Service {
  let dates: ScheduleDates | undefined;
  return {
    name: how.name,
    isEnabled: ({ settings }) => settings.schedulerEnabled,
    loopSeconds: how.loopSeconds,
    run: async (core) => {
      const condition = how.where(core);
      for (let after = 0; ;) {
        const rows = core.store.query(`${ACTIVE} AND s.no > ? AND ${condition} ORDER BY s.no LIMIT ${PORTION}`, [
          after,
        ]);
        const last = rows.at(-1);
        if (!last) return;
        after = Number(last["no"]);
        // What reads schedules is large, and most servers have none.
        const [{ scheduleRuns }, calendar] = await Promise.all([
          import("../deployments/schedule-runs.ts"),
          import("../deployments/schedule-dates.ts"),
        ]);
        dates ??= new calendar.ScheduleDates();
        // STRICT table: the columns have these types.
        await scheduleRuns(core, { schedules: rows as unknown as ScheduleRow[], dates, plan: {} });
      }
    },
    start: () => () => void dates?.close(),
  };
}
