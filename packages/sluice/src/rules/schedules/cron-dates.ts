import { Cron } from "croner";
import { instantOf, wallClockMs } from "./local-time.ts";
import type { CronSchedule } from "./schedule.ts";

/** Whether a text is a cron expression: five fields, a sixth for seconds, or a name as `@daily`. */
export function isCron(text: string): boolean {
  try {
    return makeCron(text, true).getPattern() !== undefined;
  } catch {
    return false; // The library's only way to say no.
  }
}

/**
 * The instants of a cron expression from `startUs` on.
 *
 * The wall clock is enumerated as if it were UTC's and only then put into the time zone: so a change of the clocks repeats no time and skips none.
 */
export function* cronDates(schedule: CronSchedule, startUs: number): Generator<number> {
  const timeZone = schedule.timezone ?? "UTC";
  const cron = makeCron(schedule.cron, schedule.day_or);
  // The first time may be the start itself, when that is a whole second.
  const roundedUs = Math.ceil(startUs / 1e6) * 1e6;
  let previous = new Date(wallClockMs(roundedUs, timeZone) - 1000);
  for (;;) {
    const next = cron.nextRun(previous);
    if (next === null) return;
    previous = next;
    const instant = instantOf(next.getTime(), timeZone);
    if (instant >= startUs) yield instant;
  }
}

function makeCron(text: string, isDayOr: boolean): Cron {
  const fields = text.trim().split(/\s+/);
  // The sixth field of the contract's expressions is seconds, which the library wants first.
  const [seconds, ...rest] = fields.length === 6 ? [fields[5], ...fields.slice(0, 5)] : [undefined, ...fields];
  const pattern = [...(seconds === undefined ? [] : [seconds]), ...rest].join(" ");
  return new Cron(pattern, { timezone: "UTC", domAndDow: !isDayOr, paused: true });
}
