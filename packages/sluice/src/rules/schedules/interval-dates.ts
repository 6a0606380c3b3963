import { Temporal } from "temporal-polyfill";
import { isoToMicros } from "../../wire/timestamp.ts";
import { microsOf, zonedAt } from "./local-time.ts";
import type { IntervalSchedule } from "./schedule.ts";

const DAY_SECONDS = 86_400;

/**
 * The instants of an interval from `startUs` on. Whole days keep their clock hour across a change of the clocks, what is shorter than a day counts real
 * time.
 */
export function* intervalDates(schedule: IntervalSchedule, startUs: number): Generator<number> {
  const { interval: seconds } = schedule;
  const anchorUs = isoToMicros(schedule.anchor_date) ?? 0;
  const steps = Math.trunc((startUs - anchorUs) / (seconds * 1e6));
  const days = Math.floor(seconds / DAY_SECONDS);
  const step = {
    days,
    microseconds: Math.round((seconds - days * DAY_SECONDS) * 1e6),
  };
  let date = zonedAt(anchorUs + Math.round(steps * seconds * 1e6), schedule.timezone ?? "UTC");
  while (microsOf(date) < startUs) date = date.add(step);
  for (;;) {
    yield microsOf(date);
    date = date.add(step);
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
