import { RRuleTemporal } from "rrule-temporal";
import { zonedAt, instantOf, wallClockMs } from "./local-time.ts";
import type { RRuleSchedule, ScheduleFault } from "./schedule.ts";

/** Longest rule that is taken, in characters. */
const MAX_LENGTH = 6500;
/** Where a rule starts that does not say. */
const DEFAULT_START = "DTSTART:20200101T000000";
const FREQUENCIES = "YEARLY|MONTHLY|WEEKLY|DAILY|HOURLY|MINUTELY|SECONDLY";

/** Puts the line with its start before a rule that has none, as the contract keeps rules. */
export function withStart(rrule: string): string {
  return /(?:^|\n)DTSTART/i.test(rrule) ? rrule : `${DEFAULT_START}\n${rrule}`;
}

/** What is wrong with a rule; undefined when nothing is. */
export function rruleFault(rrule: string): ScheduleFault | undefined {
  if (rrule.length > MAX_LENGTH) {
    const reason = `Invalid RRule string "${rrule.slice(0, 40)}..."\nMax length is ${MAX_LENGTH}, got ${rrule.length}`;
    return { field: "rrule", reason };
  }
  try {
    makeRule(rrule);
    return undefined;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { field: "rrule", reason: `Invalid RRule string "${rrule}": ${detail}` };
  }
}

/**
 * The instants of a rule from `startUs` on. As with cron, the wall clock is enumerated as if it were UTC's and then put into the time zone.
 *
 * A rule without occurrences may take the library long to give up: whoever evaluates foreign rules does so where that hurts nobody.
 */
export function* rruleDates(schedule: RRuleSchedule, startUs: number): Generator<number> {
  const timeZone = schedule.timezone ?? "UTC";
  const rule = makeRule(schedule.rrule);
  let after = wallClockMs(startUs, timeZone);
  let isIncluded = true;
  for (;;) {
    const next = rule.next(zonedAt(after * 1000, "UTC"), isIncluded);
    if (next === null) return;
    after = next.epochMilliseconds;
    isIncluded = false;
    const instant = instantOf(after, timeZone);
    if (instant >= startUs) yield instant;
  }
}

/** Makes the rule with every time in it read as UTC's wall clock. @throws Error when it is none */
function makeRule(rrule: string): RRuleTemporal {
  const lines = withStart(rrule.trim())
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => (new RegExp(`^FREQ=`, "i").test(line) ? `RRULE:${line}` : line));
  if (lines.some((line) => /^EXRULE/i.test(line))) throw new Error("EXRULE is not supported; name the times by EXDATE");
  const rules = lines.filter((line) => /^RRULE/i.test(line));
  if (
    !rules.every((line) => new RegExp(`(?:^|[:;])FREQ=(?:${FREQUENCIES})(?:;|$)`, "i").test(line)) ||
    rules.length === 0
  )
    throw new Error("unknown or missing FREQ");
  const text = lines.map(inUtc).join("\n");
  return new RRuleTemporal({ rruleString: text, tzid: "UTC", includeDtstart: false });
}

/** Times in a rule with their zone taken off: the schedule's own counts. */
function inUtc(line: string): string {
  return line
    .replace(/;TZID=[^:;]+/i, "")
    .replaceAll(/(\d{8}T\d{6})Z?/g, "$1Z")
    .replaceAll(/([:,=])(\d{8})(?=[,;]|$)/g, "$1$2T000000Z");
}
