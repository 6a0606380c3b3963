/** Makes the runs that schedules ask for: each once, however often it is tried, by an idempotency key of deployment, schedule and instant. */
import { microsToIso } from "../../wire/timestamp.ts";
import type { DateSearch, Schedule } from "../../rules/schedules/schedule.ts";
import type { Store } from "../db/store.ts";
import { createFlowRun } from "../orchestration/create-flow-run.ts";
import type { ServerCore } from "../server-core.ts";
import { deploymentById, type DeploymentRow, type ScheduleRow } from "./deployment-rows.ts";
import { originOf } from "./deployment-runs.ts";
import { tellDeployment } from "./deployment-status.ts";
import { PoisonSchedule, type ScheduleDates } from "./schedule-dates.ts";

/** How far runs are scheduled ahead. What is left out is as the settings say. */
export interface SchedulePlan {
  readonly startUs?: number | undefined;
  readonly endUs?: number | undefined;
  readonly minSeconds?: number | undefined;
  readonly minRuns?: number | undefined;
  readonly maxRuns?: number | undefined;
}

/** Runs that are made in one write. */
const PORTION = 100;

/**
 * Makes the runs of schedules that are due to be made. A schedule that cannot be evaluated is switched off, and an event tells why.
 *
 * @returns how many runs were made
 */
export async function scheduleRuns(
  core: ServerCore,
  {
    schedules,
    dates,
    plan,
  }: { readonly schedules: readonly ScheduleRow[]; readonly dates: ScheduleDates; readonly plan: SchedulePlan },
): Promise<number> {
  let made = 0;
  for (const row of schedules) {
    try {
      // Only schedules.ts writes this column.
      const instants = await dates.of(JSON.parse(row.schedule) as Schedule, searchOf(core, row, plan));
      for (let at = 0; at < instants.length; at += PORTION) {
        const portion = instants.slice(at, at + PORTION);
        made += await core.store.write(() => insertRuns(core, row, portion));
      }
    } catch (error) {
      if (!(error instanceof PoisonSchedule)) throw error;
      await core.store.write(() => disable(core, row, error.message));
    }
  }
  return made;
}

function searchOf({ store, settings }: ServerCore, row: ScheduleRow, plan: SchedulePlan): DateSearch {
  const startUs = plan.startUs ?? store.nowUs();
  const endUs = plan.endUs ?? startUs + settings.schedulerMaxScheduledTimeSeconds * 1e6;
  const count = Math.min(plan.maxRuns ?? settings.schedulerMaxRuns, row.max_scheduled_runs ?? Infinity);
  const minSeconds = plan.minSeconds ?? settings.schedulerMinScheduledTimeSeconds;
  const least = plan.minRuns ?? settings.schedulerMinRuns;
  return { startUs, endUs, count, enough: { least, untilUs: startUs + minSeconds * 1e6 } };
}

/** Makes runs at these instants unless the schedule has been changed, switched off or taken away since it was read. Runs inside a write. */
function insertRuns(core: ServerCore, row: ScheduleRow, instants: readonly number[]): number {
  const { store } = core;
  const deployment = deploymentById(store, row.deployment_id);
  if (!deployment || !isAsRead(store, row)) return 0;
  const { name, slug } = { name: className(JSON.parse(row.schedule) as Schedule), slug: row.slug };
  const createdBy = JSON.stringify({ id: row.id, type: "SCHEDULE", display_value: slug ?? name });
  return instants.filter((at) => insertRun(core, deployment, { row, at, createdBy })).length;
}

function isAsRead(store: Store, row: ScheduleRow): boolean {
  const now = store.statement("SELECT schedule, active FROM deployment_schedule WHERE id = ?").get(row.id);
  return now !== undefined && now["active"] === 1 && now["schedule"] === row.schedule;
}

function insertRun(
  core: ServerCore,
  deployment: DeploymentRow,
  { row, at, createdBy }: { readonly row: ScheduleRow; readonly at: number; readonly createdBy: string },
): boolean {
  const scheduled = microsToIso(at);
  // Columns of JSON are written from validated bodies.
  const parameters = { ...(JSON.parse(deployment.parameters) as object), ...(JSON.parse(row.parameters) as object) };
  const { isNew } = createFlowRun(
    core,
    {
      flow_id: deployment.flow_id,
      deployment_id: deployment.id,
      parameters,
      idempotency_key: `scheduled ${deployment.id} ${row.id} ${scheduled}`,
      tags: ["auto-scheduled", ...(JSON.parse(deployment.tags) as string[])],
      state: { type: "SCHEDULED", message: "Flow run scheduled", state_details: { scheduled_time: scheduled } },
    },
    { ...originOf(deployment), auto_scheduled: 1, created_by: createdBy },
  );
  return isNew;
}

function className(schedule: Schedule): string {
  if ("cron" in schedule) return "CronSchedule";
  return "rrule" in schedule ? "RRuleSchedule" : "IntervalSchedule";
}

/** Switches a schedule off that cannot be evaluated. Runs inside a write. */
function disable(core: ServerCore, row: ScheduleRow, reason: string): void {
  const { store } = core;
  store.statement("UPDATE deployment_schedule SET active = 0, updated = ? WHERE id = ?").run(store.nowUs(), row.id);
  const deployment = deploymentById(store, row.deployment_id);
  if (!deployment) return;
  const detail = `The schedule ${row.id} of deployment "${deployment.name}" was switched off: ${reason}. Change it and switch it on again.`;
  tellDeployment(core, "schedule-disabled", { ...deployment, payload: { schedule_id: row.id, reason: detail } });
  core.onError(new Error(detail));
}
