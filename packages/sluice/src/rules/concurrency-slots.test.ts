import { expect, test } from "vitest";
import { activeSlotsAfter, averageWaitSeconds, deniedSlotsAfter, jitteredWait, occupancyAfter } from "./index.ts";

const limit = (rest: object = {}) => ({
  max_slots: 4,
  active_slots: 4,
  denied_slots: 0,
  slot_decay_per_second: 0,
  avg_slot_occupancy_seconds: 2,
  ...rest,
});

test("slots of a rate limit come free by whole ones, never below none", () => {
  const rate = limit({ slot_decay_per_second: 0.5 });
  expect([0, 1.9, 2, 7, 100].map((seconds) => activeSlotsAfter(rate, seconds))).toEqual([4, 4, 3, 1, 0]);
  expect(activeSlotsAfter(limit(), 1e6)).toBe(4);
});

test("refusals are forgotten by the decay of the limit, or by its occupancy", () => {
  expect(deniedSlotsAfter(limit({ denied_slots: 5, slot_decay_per_second: 2 }), 1, 30)).toBe(3);
  expect(deniedSlotsAfter(limit({ denied_slots: 5 }), 4, 30)).toBe(3);
  // No longer than the longest wait, no shorter than a tenth of a second.
  expect(deniedSlotsAfter(limit({ denied_slots: 5, avg_slot_occupancy_seconds: 3600 }), 60, 30)).toBe(3);
  expect(deniedSlotsAfter(limit({ denied_slots: 5, avg_slot_occupancy_seconds: 0 }), 0.2, 30)).toBe(3);
});

test("the average occupancy moves by the weight of one sample", () => {
  expect(occupancyAfter(limit(), 1, 10)).toBe(2 + 8 / 8);
  expect(occupancyAfter(limit(), 4, 8)).toBe(2);
  expect(occupancyAfter(limit({ max_slots: 0 }), 1, 10)).toBe(2);
});

test("who is refused waits for the fullest limit, as long as slots are held, up to the longest wait", () => {
  const wait = (...limits: ReturnType<typeof limit>[]) => averageWaitSeconds(limits, 2, () => 30);
  expect(wait(limit())).toBe(1);
  expect(wait(limit({ denied_slots: 6 }))).toBe(4);
  expect(wait(limit({ avg_slot_occupancy_seconds: 600, denied_slots: 6 }))).toBe(30);
  expect(wait(limit({ slot_decay_per_second: 0.1 }))).toBe(20);
  expect(wait(limit({ slot_decay_per_second: 4, denied_slots: 2 }), limit({ denied_slots: 6 }))).toBe(1);
});

test("a jittered wait stays around the average", () => {
  // Asked of `clamped_poisson_interval(10)` of prefect 3.8.8 with `random.uniform` at both ends and the middle.
  expect([0, 0.5, 1].map((draw) => jitteredWait(10, draw).toFixed(6))).toEqual(["7.517717", "9.887778", "13.000000"]);
  expect(jitteredWait(0, 0.5)).toBe(0);
});
