/** When a deployment runs: what a schedule says, and the instants that follow from it. Pure: the clock comes as an argument. */
import { cronDates, isCron } from "./cron-dates.ts";
import { intervalDates, readDuration } from "./interval-dates.ts";
import { isTimeZone } from "./local-time.ts";
import { rruleDates, rruleFault } from "./rrule-dates.ts";

/** Every so many seconds from an anchor on. */
export interface IntervalSchedule {
  /** Seconds; on the wire also an ISO 8601 duration. */
  readonly interval: number;
  /** ISO 8601 instant. */
  readonly anchor_date: string;
  /** IANA name; days keep their clock hour in it. */
  readonly timezone: string | null;
}

/** At the times of a cron expression. */
export interface CronSchedule {
  readonly cron: string;
  readonly timezone: string | null;
  /** True (as cron does): either the day of the month or that of the week must fit; false: both. */
  readonly day_or: boolean;
}

/** At the times of an iCalendar recurrence rule. */
export interface RRuleSchedule {
  readonly rrule: string;
  readonly timezone: string | null;
}

/** Any schedule. */
export type Schedule = IntervalSchedule | CronSchedule | RRuleSchedule;

/** What is wrong with a schedule: the field, or null for the schedule as a whole, and why. */
export interface ScheduleFault {
  readonly field: string | null;
  readonly reason: string;
}

/** Most candidates that are looked at for one answer. */
const MOST_CANDIDATES = 1000;

/** Which instants are wanted. */
export interface DateSearch {
  readonly startUs: number;
  readonly endUs?: number | undefined;
  /** Most instants. */
  readonly count: number;
  /** Enough is enough: stop when there are `least` and the last is at or after `untilUs`. */
  readonly enough?: { readonly least: number; readonly untilUs: number } | undefined;
}

/** The instants of a schedule in microseconds, in order, none twice. */
export function scheduleDates(schedule: Schedule, search: DateSearch): number[] {
  const dates: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  let candidates = 0;
  for (const date of candidatesOf(schedule, search.startUs)) {
    if (search.endUs !== undefined && date > search.endUs) break;
    if (date > last) {
      dates.push(date);
      last = date;
    }
    const { enough } = search;
    if (dates.length >= search.count || ++candidates > MOST_CANDIDATES) break;
    if (enough && dates.length >= enough.least && date >= enough.untilUs) break;
  }
  return dates;
}

function candidatesOf(schedule: Schedule, startUs: number): Generator<number> {
  if ("cron" in schedule) return cronDates(schedule, startUs);
  return "rrule" in schedule ? rruleDates(schedule, startUs) : intervalDates(schedule, startUs);
}

/** What is wrong with a schedule of a right shape; undefined when nothing is. */
export function scheduleFault(schedule: Readonly<Record<string, unknown>>): ScheduleFault | undefined {
  const { cron, rrule, interval, timezone } = schedule;
  if (typeof rrule === "string") return rruleFault(rrule);
  if (typeof cron === "string") {
    if (cron.split(/\s+/).some((part) => /^r(?:\(|$)/i.test(part)))
      return { field: "cron", reason: `Random and Hashed expressions are unsupported, received: "${cron}"` };
    if (!isCron(cron)) return { field: "cron", reason: `Invalid cron string: "${cron}"` };
  } else if (!(readDuration(interval) > 0)) return { field: "interval", reason: "interval must be positive" };
  if (typeof timezone === "string" && !isTimeZone(timezone))
    return {
      field: null,
      reason: `Invalid timezone: "${timezone}" (specify in IANA tzdata format, for example, America/New_York)`,
    };
  return undefined;
}
