import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LONGEST_TIMER_MS, Timer } from "./timer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("calls back when the time is over, also one that setTimeout cannot count", () => {
  const called: string[] = [];
  const longMs = 2 * LONGEST_TIMER_MS + 5;
  const timers = [10, longMs, Infinity].map((ms) => new Timer(ms, () => called.push(String(ms))));
  vi.advanceTimersByTime(LONGEST_TIMER_MS);
  expect(called).toEqual(["10"]);
  vi.advanceTimersByTime(longMs - LONGEST_TIMER_MS - 1);
  expect(called).toEqual(["10"]);
  vi.advanceTimersByTime(1);
  expect(called).toEqual(["10", String(longMs)]);
  vi.advanceTimersByTime(10 * LONGEST_TIMER_MS);
  expect(called).toHaveLength(2);
  for (const timer of timers) timer.clear();
  expect(vi.getTimerCount()).toBe(0);
});

test("is cleared at any time", () => {
  const called: number[] = [];
  const timer = new Timer(LONGEST_TIMER_MS + 5, () => called.push(1));
  vi.advanceTimersByTime(LONGEST_TIMER_MS + 1);
  timer.clear();
  vi.advanceTimersByTime(10);
  expect([called.length, vi.getTimerCount()]).toEqual([0, 0]);
});
