import { Temporal } from "temporal-polyfill";
import { isoToMicros } from "../../wire/timestamp.ts";
import { microsOf, zonedAt } from "./local-time.ts";
import type { IntervalSchedule } from "./schedule.ts";

const DAY_SECONDS = 86_400;

/**
 * The instants of an interval from `startUs` on. A day and more is counted on the clock of the time zone, so it keeps its hour across a change of the
 * clocks; less than a day counts real time.
 */
export function* intervalDates(schedule: IntervalSchedule, startUs: number): Generator<number> {
  const { interval: seconds } = schedule;
  const anchorUs = isoToMicros(schedule.anchor_date) ?? 0;
  const steps = Math.trunc((startUs - anchorUs) / (seconds * 1e6));
  const days = Math.floor(seconds / DAY_SECONDS);
  const step = {
    days,
    // Never nothing: a step of nothing would not end.
    microseconds: Math.max(Math.round((seconds - days * DAY_SECONDS) * 1e6), days === 0 ? 1 : 0),
  };
  let date = zonedAt(anchorUs + Math.round(steps * seconds * 1e6), schedule.timezone ?? "UTC");
  for (;;) {
    if (microsOf(date) >= startUs) yield microsOf(date);
    date = days === 0 ? date.add(step) : date.toPlainDateTime().add(step).toZonedDateTime(date.timeZoneId);
  }
}

/** Reads seconds, or an ISO 8601 duration, as seconds; NaN for anything else. */
export function readDuration(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return Number.NaN;
  if (/^-?\d+(?:\.\d+)?$/.test(value)) return Number(value);
  try {
    return Temporal.Duration.from(value).total({ unit: "seconds", relativeTo: "2020-01-01" });
  } catch {
    return Number.NaN; // Documented; the library's only way to say no.
  }
}
