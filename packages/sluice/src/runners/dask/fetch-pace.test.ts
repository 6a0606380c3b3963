import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FetchPace, fetchDelayMs } from "./fetch-pace.ts";

const THREADS = 4;

test.each([
  { story: "the only run is over", wanted: 1, waiting: 0, fetched: "at once" },
  { story: "more are over than still run", wanted: 3, waiting: 3, fetched: "at once" },
  { story: "the cluster is about to run dry", wanted: 1, waiting: 5, fetched: "soon" },
  { story: "every thread has another run to go on with", wanted: 1, waiting: 8, fetched: "later" },
  { story: "an answer's worth is over", wanted: 500, waiting: 9000, fetched: "at once" },
])("results are fetched $fetched when $story", ({ wanted, waiting, fetched }) => {
  const delayMs = fetchDelayMs({ wanted, waiting }, THREADS);
  expect(delayMs === 0 ? "at once" : delayMs <= 20 ? "soon" : "later").toBe(fetched);
});

test("a cluster of unknown size is not taken for a busy one", () => {
  expect(fetchDelayMs({ wanted: 1, waiting: 0 }, 0)).toBe(0);
  expect(fetchDelayMs({ wanted: 1, waiting: 9 }, 0)).toBeLessThanOrEqual(20);
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("it is due once, at the earliest of the times that were found", () => {
  let due = 0;
  const pace = new FetchPace(() => due++);
  pace.ended({ wanted: 1, waiting: 100 }, THREADS);
  vi.advanceTimersByTime(100);
  pace.ended({ wanted: 2, waiting: 7 }, THREADS);
  vi.advanceTimersByTime(19);
  expect(due).toBe(0);
  vi.advanceTimersByTime(1);
  expect(due).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(due).toBe(1);
  pace.ended({ wanted: 3, waiting: 1 }, THREADS);
  expect(due).toBe(2);
});
