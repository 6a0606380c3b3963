import type {
  DeploymentSchedule,
  DeploymentScheduleCreate,
  DeploymentScheduleUpdate,
} from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { readDuration } from "../../rules/schedules/interval-dates.ts";
import { withStart } from "../../rules/schedules/rrule-dates.ts";
import { scheduleFault, type Schedule } from "../../rules/schedules/schedule.ts";
import { DATA_CONFLICT, InvalidRequest, Refusal } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import { valueFault } from "../request/faults.ts";
import { schedulesOf, type ScheduleRow } from "./deployment-rows.ts";

/** The names that the contract's faults give the three kinds of schedules. */
const KINDS = {
  interval: "function-after[validate_timezone(), IntervalSchedule]",
  cron: "function-after[validate_timezone(), CronSchedule]",
  rrule: "RRuleSchedule",
} as const;

/** Most runs that a schedule may ask to be kept ahead of time. */
const MOST_SCHEDULED_RUNS = 50;

/** A schedule as it came. */
type GivenSchedule = NonNullable<DeploymentScheduleUpdate["schedule"]>;

/**
 * Checks schedules for what no schema says: runs ahead of time, expressions, rules and time zones that can be read.
 *
 * @param loc where the schedules stand in the body
 * @throws InvalidRequest
 */
export function checkSchedules(
  schedules: readonly { readonly schedule?: GivenSchedule | null; readonly max_scheduled_runs?: number | null }[],
  { loc, body }: { readonly loc: readonly (string | number)[]; readonly body: unknown },
): void {
  for (const [index, { schedule, max_scheduled_runs: runs }] of schedules.entries()) {
    if (typeof runs === "number" && runs > MOST_SCHEDULED_RUNS) {
      const reason = `\`max_scheduled_runs\` must be less than or equal to ${MOST_SCHEDULED_RUNS}.`;
      throw new InvalidRequest([valueFault([...loc, index, "max_scheduled_runs"], reason, runs)], body);
    }
    if (!schedule) continue;
    const fault = scheduleFault({ ...schedule });
    if (!fault) continue;
    const kind = "cron" in schedule ? KINDS.cron : "rrule" in schedule ? KINDS.rrule : KINDS.interval;
    const place = [...loc, index, "schedule", kind, ...(fault.field === null ? [] : [fault.field])];
    const input = fault.field === null ? schedule : Object.getOwnPropertyDescriptor(schedule, fault.field)?.value;
    throw new InvalidRequest([valueFault(place, fault.reason, input)], body);
  }
}

/** A schedule with all that was left out, as it is kept. */
export function wholeSchedule(given: GivenSchedule, nowUs: number): Schedule {
  if ("cron" in given) return { cron: given.cron, timezone: given.timezone ?? null, day_or: given.day_or ?? true };
  if ("rrule" in given)
    return { rrule: withStart(given.rrule), timezone: given.timezone === undefined ? "UTC" : given.timezone };
  return {
    interval: readDuration(given.interval),
    anchor_date: given.anchor_date ?? microsToIso(nowUs),
    timezone: given.timezone ?? "UTC",
  };
}

/** Stores new schedules of a deployment. Runs inside a write. @throws Refusal 409 for a slug that is taken */
export function insertSchedules(
  store: Store,
  deploymentId: string,
  schedules: readonly DeploymentScheduleCreate[],
): ScheduleRow[] {
  const taken = new Set(schedulesOf(store, deploymentId).map(({ slug }) => slug));
  return schedules.map((given) => {
    const slug = given.slug ?? null;
    if (slug !== null && taken.has(slug)) throw new Refusal(409, DATA_CONFLICT);
    taken.add(slug);
    const now = store.nowUs();
    const row: ScheduleRow = {
      id: newId(now),
      deployment_id: deploymentId,
      schedule: JSON.stringify(wholeSchedule(given.schedule, now)),
      active: (given.active ?? true) ? 1 : 0,
      max_scheduled_runs: given.max_scheduled_runs ?? null,
      parameters: JSON.stringify(given.parameters ?? {}),
      slug,
      created: now,
      updated: now,
    };
    store
      .statement(
        "INSERT INTO deployment_schedule (id, deployment_id, schedule, active, max_scheduled_runs, parameters, slug, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      )
      .run(row.id, deploymentId, row.schedule, row.active, row.max_scheduled_runs, row.parameters, slug, now, now);
    return row;
  });
}

/**
 * Replaces the schedules of a deployment by those given: where all have slugs, each changes, or renames, the one of its slug and the others stay;
 * otherwise all are new. Runs inside a write.
 *
 * @throws Refusal 422 when it is unclear what becomes of a schedule
 */
export function replaceSchedules(
  store: Store,
  deploymentId: string,
  given: readonly DeploymentScheduleUpdate[] | undefined,
): void {
  const known = schedulesOf(store, deploymentId);
  const isBySlug = known.length > 0 && known.every(({ slug }) => slug !== null);
  const schedules = given ?? [];
  if (isBySlug && schedules.some(({ slug }) => slug === null || slug === undefined)) {
    const detail = "Please provide a slug for each schedule in your request to ensure schedules are updated correctly.";
    throw new Refusal(422, detail);
  }
  if (isBySlug) {
    mergeSchedules(store, deploymentId, { known, schedules });
    return;
  }
  if (given === undefined) return;
  store.statement("DELETE FROM deployment_schedule WHERE deployment_id = ?").run(deploymentId);
  insertSchedules(store, deploymentId, schedules.flatMap(asNew));
}

function mergeSchedules(
  store: Store,
  deploymentId: string,
  {
    known,
    schedules,
  }: { readonly known: readonly ScheduleRow[]; readonly schedules: readonly DeploymentScheduleUpdate[] },
): void {
  const bySlug = new Map(known.map((row) => [row.slug, row]));
  const replaced = new Set<string>();
  for (const { replaces } of schedules) {
    if (!replaces) continue;
    if (replaced.has(replaces))
      throw new Refusal(422, `Multiple schedules have 'replaces' targeting the same slug: ${replaces}`);
    replaced.add(replaces);
  }
  for (const { slug, replaces } of schedules) {
    if (!slug || !replaces || !bySlug.has(slug) || replaced.has(slug)) continue;
    const detail = `Cannot rename schedule from '${replaces}' to '${slug}': a schedule with slug '${slug}' already exists.`;
    throw new Refusal(422, detail);
  }
  const clear = store.statement("UPDATE deployment_schedule SET slug = NULL WHERE deployment_id = ? AND slug = ?");
  for (const slug of replaced) clear.run(deploymentId, slug);
  for (const schedule of schedules) {
    const row = bySlug.get(schedule.replaces || (schedule.slug ?? null));
    if (row) {
      updateSchedule(store, row, schedule);
      continue;
    }
    const made = asNew(schedule);
    if (made.length === 0)
      throw new Refusal(422, "Unable to create new deployment schedules without a schedule configuration.");
    insertSchedules(store, deploymentId, made);
  }
}

function asNew(given: DeploymentScheduleUpdate): DeploymentScheduleCreate[] {
  const { schedule, active, slug = null, parameters = {} } = given;
  return schedule ? [{ schedule, active: active ?? true, slug, parameters }] : [];
}

/** Changes what is given of a schedule. Runs inside a write. */
export function updateSchedule(store: Store, row: ScheduleRow, change: DeploymentScheduleUpdate): void {
  const { schedule, active, max_scheduled_runs: limit, parameters, slug } = change;
  const now = store.nowUs();
  store
    .statement(
      "UPDATE deployment_schedule SET schedule = ?, active = ?, max_scheduled_runs = ?, parameters = ?, slug = ?, updated = ? WHERE id = ?",
    )
    .run(
      schedule ? JSON.stringify(wholeSchedule(schedule, now)) : row.schedule,
      typeof active === "boolean" ? (active ? 1 : 0) : row.active,
      limit ?? row.max_scheduled_runs,
      parameters ? JSON.stringify(parameters) : row.parameters,
      slug ?? row.slug,
      now,
      row.id,
    );
}

/** A schedule of a deployment as the wire shows it. */
export function scheduleBody(row: ScheduleRow): DeploymentSchedule {
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    deployment_id: row.deployment_id,
    // Only this file writes these columns.
    schedule: JSON.parse(row.schedule) as DeploymentSchedule["schedule"],
    active: row.active === 1,
    max_scheduled_runs: row.max_scheduled_runs,
    parameters: JSON.parse(row.parameters) as Record<string, unknown>,
    slug: row.slug,
  };
}
