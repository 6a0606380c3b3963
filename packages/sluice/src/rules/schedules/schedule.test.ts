import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isoToMicros, microsToIso } from "../../wire/timestamp.ts";
import { scheduleDates, scheduleFault, type Schedule } from "./schedule.ts";
import { readDuration } from "./interval-dates.ts";

interface Recorded {
  readonly schedule: Schedule;
  readonly start: string;
  readonly dates: readonly string[];
}

/** What Prefect's own schedule classes answered; `record.py` beside it records again. */
function recorded(): Recorded[] {
  const file = new URL("../../../../../tests/contract/schedules/recorded.json", import.meta.url);
  // Written by record.py in this shape.
  return JSON.parse(readFileSync(file, "utf8")) as Recorded[];
}

function datesOf({ schedule, start, dates }: Recorded): string[] {
  const whole = "interval" in schedule ? { ...schedule, interval: readDuration(schedule.interval) } : schedule;
  return scheduleDates(whole, { startUs: isoToMicros(start) ?? Number.NaN, count: dates.length || 12 }).map((us) =>
    microsToIso(us),
  );
}

describe("schedules", () => {
  const kinds = {
    cron: recorded().filter(({ schedule }) => "cron" in schedule),
    rrule: recorded().filter(({ schedule }) => "rrule" in schedule),
    interval: recorded().filter(({ schedule }) => "interval" in schedule),
  };

  for (const [kind, cases] of Object.entries(kinds)) {
    it(`of kind ${kind} give the instants that Prefect's classes gave, in ${cases.length} recorded cases`, () => {
      expect(cases.length).toBeGreaterThan(50);
      for (const one of cases) expect(datesOf(one), JSON.stringify(one.schedule) + one.start).toEqual(one.dates);
    });
  }

  it("stop at the end, at the count, and when they have enough", () => {
    const schedule = { cron: "0 * * * *", timezone: null, day_or: true };
    const startUs = Date.UTC(2026, 0, 1) * 1000;
    const hour = 3_600_000_000;
    expect(scheduleDates(schedule, { startUs, count: 3 })).toHaveLength(3);
    expect(scheduleDates(schedule, { startUs, count: 100, endUs: startUs + 4 * hour })).toHaveLength(5);
    const enough = { least: 2, untilUs: startUs + 6 * hour };
    expect(scheduleDates(schedule, { startUs, count: 100, enough })).toHaveLength(7);
  });

  it("end although an interval is shorter than the clock's smallest step", () => {
    const tiny = { interval: 1e-9, anchor_date: "2026-01-01T00:00:00Z", timezone: "UTC" };
    expect(scheduleDates(tiny, { startUs: Date.UTC(2026, 0, 1) * 1000, count: 5 })).toHaveLength(5);
  });

  it.each([
    [{ cron: "61 * * * *" }, "cron", /Invalid cron string: "61 \* \* \* \*"/],
    [{ cron: "R * * * *" }, "cron", /Random and Hashed/],
    [{ interval: -5 }, "interval", /must be positive/],
    [{ interval: 5, timezone: "Mars/Olympus" }, null, /Invalid timezone: "Mars\/Olympus"/],
    [{ rrule: "FREQ=NEVER" }, "rrule", /Invalid RRule string/],
  ])("say what is wrong with %j", (schedule, field, reason) => {
    const fault = scheduleFault(schedule);
    expect(fault?.field).toBe(field);
    expect(fault?.reason).toMatch(reason);
  });
});
