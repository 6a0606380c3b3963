import type {
  DeploymentScheduleCreate,
  DeploymentScheduleUpdate,
  ScheduleDeploymentBody,
} from "../../wire/contract/shapes.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import { Refusal, reply } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import { deploymentById, schedulesOf, type DeploymentRow, type ScheduleRow } from "../deployments/deployment-rows.ts";
import { deleteScheduledRuns } from "../deployments/deployments.ts";
import { ScheduleDates } from "../deployments/schedule-dates.ts";
import { scheduleRuns } from "../deployments/schedule-runs.ts";
import { checkSchedules, insertSchedules, scheduleBody, updateSchedule } from "../deployments/schedules.ts";
import { param, type Handlers, type RouteCall } from "./handler.ts";

/** The schedules of deployments, and the runs that they make. Bodies have the shapes of the route table's schemas. */
export const deploymentScheduleHandlers: Handlers = {
  "GET /deployments/{id}/schedules": async (call, { store }) =>
    reply(200, await store.read(() => schedulesOf(store, deploymentOf(store, call).id).map(scheduleBody))),
  "POST /deployments/{id}/schedules": async (call, { store }) => {
    const given = call.body as readonly DeploymentScheduleCreate[];
    checkSchedules(given, { loc: ["body"], body: given });
    const rows = await store.write(() => {
      const { id } = deploymentOf(store, call);
      const made = insertSchedules(store, id, given);
      touch(store, id);
      return made;
    });
    return reply(201, rows.map(scheduleBody));
  },
  "PATCH /deployments/{id}/schedules/{schedule_id}": async (call, { store }) => {
    const change = call.body as DeploymentScheduleUpdate;
    checkSchedules([change], { loc: ["body"], body: change });
    await store.write(() => {
      const { id } = deploymentOf(store, call);
      updateSchedule(store, scheduleOf(store, call), change);
      deleteScheduledRuns(store, id, { isAutoOnly: true, isFutureOnly: true });
      touch(store, id);
    });
    return reply(204);
  },
  "DELETE /deployments/{id}/schedules/{schedule_id}": async (call, { store }) => {
    await store.write(() => {
      const { id } = deploymentOf(store, call);
      store.statement("DELETE FROM deployment_schedule WHERE id = ?").run(scheduleOf(store, call).id);
      deleteScheduledRuns(store, id, { isAutoOnly: true });
      touch(store, id);
    });
    return reply(204);
  },
  "POST /deployments/{id}/schedule": async (call, core) => {
    const body = call.body as ScheduleDeploymentBody;
    const { store } = core;
    const schedules = schedulesOf(store, param(call, "id")).filter(({ active }) => active === 1);
    const dates = new ScheduleDates();
    try {
      await scheduleRuns(core, {
        schedules,
        dates,
        plan: {
          startUs: instant(body.start_time),
          endUs: instant(body.end_time),
          minSeconds: body.min_time,
          minRuns: body.min_runs,
          maxRuns: body.max_runs,
        },
      });
    } finally {
      await dates.close();
    }
    return reply(200, null);
  },
};

function instant(text: string | undefined): number | undefined {
  return text === undefined ? undefined : isoToMicros(text);
}

/** A deployment whose schedules have changed is looked at by the scheduler at once. */
function touch(store: Store, deploymentId: string): void {
  store.statement("UPDATE deployment SET updated = ? WHERE id = ?").run(store.nowUs(), deploymentId);
}

function deploymentOf(store: Store, call: RouteCall): DeploymentRow {
  const row = deploymentById(store, param(call, "id"));
  if (!row) throw new Refusal(404, "Deployment not found.");
  return row;
}

function scheduleOf(store: Store, call: RouteCall): ScheduleRow {
  const id = param(call, "schedule_id");
  const row = schedulesOf(store, param(call, "id")).find((one) => one.id === id);
  if (!row) throw new Refusal(404, "Schedule not found.");
  return row;
}
