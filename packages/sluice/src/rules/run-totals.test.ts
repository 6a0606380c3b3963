import fc from "fast-check";
import { expect, test } from "vitest";
import { isFinalStateType, STATE_TYPES } from "../wire/state-types.ts";
import { microsToIso, isoToMicros } from "../wire/timestamp.ts";
import { aggregateFinalState } from "./final-state.ts";
import { retryDelaySeconds } from "./retry-delay.ts";
import { addTransition, noTotals } from "./run-totals.ts";

test("totals follow any history: an end exactly in final states, a start once it ran, time never negative", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...STATE_TYPES), fc.nat()), { minLength: 1 }), (history) => {
      const totals = noTotals();
      for (const [type, timestampUs] of history) {
        addTransition(totals, [type, "", timestampUs]);
        expect(totals.endUs !== null).toBe(isFinalStateType(type));
        expect(totals.totalRunTimeUs).toBeGreaterThanOrEqual(0);
      }
      expect(totals.runCount).toBe(history.filter(([type]) => type === "RUNNING").length);
    }),
  );
});

test("run time is counted from each RUNNING to the transition after it", () => {
  const totals = noTotals();
  addTransition(totals, ["PENDING", "", 100]);
  addTransition(totals, ["RUNNING", "", 200]);
  addTransition(totals, ["SCHEDULED", "", 250, null, null, { scheduled_time: microsToIso(1000) }]);
  addTransition(totals, ["RUNNING", "", 1000]);
  addTransition(totals, ["COMPLETED", "", 1100]);
  expect(totals).toMatchObject({
    startUs: 200,
    endUs: 1100,
    expectedStartUs: 100,
    runCount: 2,
    totalRunTimeUs: 150,
    nextScheduledStartUs: null,
  });
});

test("a timestamp survives the way to text and back to the microsecond", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000_000 }), (us) => isoToMicros(microsToIso(us)) === us),
  );
});

test("an instant is read with any offset and with any number of digits", () => {
  expect(isoToMicros("2026-11-24T04:00:00+02:00")).toBe(isoToMicros("2026-11-24T02:00:00.000000Z"));
  expect(isoToMicros("2026-11-24T04:00:00.5")).toBe(isoToMicros("2026-11-24T04:00:00.500000000Z"));
  expect(isoToMicros("yesterday")).toBeUndefined();
});

test("a returned group of runs completes only when all have completed", () => {
  expect(aggregateFinalState(["COMPLETED", "COMPLETED"])).toEqual({
    type: "COMPLETED",
    message: "All states completed.",
  });
  expect(aggregateFinalState(["COMPLETED", "FAILED"])).toEqual({ type: "FAILED", message: "1/2 states failed." });
  expect(aggregateFinalState(["FAILED", "CANCELLED"])).toEqual({ type: "CANCELLED", message: "1/2 states cancelled." });
  expect(aggregateFinalState(["COMPLETED", "CRASHED", "PAUSED"])).toEqual({
    type: "PAUSED",
    message: "1/3 states paused.",
  });
  expect(aggregateFinalState(["RUNNING"])).toEqual({ type: "FAILED", message: "1/1 states are not final." });
});

test("the last delay of a list repeats", () => {
  expect([1, 2, 3, 4].map((retry) => retryDelaySeconds([1, 10], retry))).toEqual([1, 10, 10, 10]);
  expect(retryDelaySeconds((retry) => 2 ** retry, 3)).toBe(8);
  expect(retryDelaySeconds([], 1)).toBe(0);
});

test("jitter stays within its bounds", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1e4, noNaN: true }),
      fc.double({ min: 0.01, max: 5, noNaN: true }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (delay, factor, random) => {
        const seconds = retryDelaySeconds(delay, 1, { factor, random });
        expect(seconds).toBeGreaterThanOrEqual(0);
        expect(seconds).toBeLessThanOrEqual(delay * (1 + factor) * 1.000_001);
      },
    ),
  );
});
