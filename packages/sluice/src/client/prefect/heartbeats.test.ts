import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Heartbeats } from "./heartbeats.ts";
import type { OpenFlowRun } from "./open-flow-run.ts";
import type { PrefectEvent } from "./task-run-event.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function run(id: string, type: OpenFlowRun["state"]["type"]): OpenFlowRun {
  const state = { type, name: type, message: null };
  return {
    id,
    flowId: "f",
    flowName: "etl",
    name: id,
    tags: [],
    retries: 0,
    runCount: 1,
    taken: [],
    state,
    heardMs: 0,
  };
}

test("runs that run, or wait paused in their process, are told of when they start and at the interval", () => {
  const sent: PrefectEvent[] = [];
  const runs = [run("running", "RUNNING"), run("paused", "PAUSED"), run("waiting", "SCHEDULED")];
  const heartbeats = new Heartbeats({
    everySeconds: 1,
    open: () => runs,
    deliver: (events) => {
      sent.push(...events);
      return Promise.resolve();
    },
  });
  const names = (): unknown[] => sent.splice(0).map(({ resource: { "prefect.resource.name": name } }) => name);
  heartbeats.begin(run("running", "RUNNING"));
  expect(names()).toEqual(["running"]);
  vi.advanceTimersByTime(29_000);
  expect(names()).toEqual([]);
  // Prefect refuses intervals below 30 seconds.
  vi.advanceTimersByTime(1000);
  expect(names()).toEqual(["running", "paused"]);
  heartbeats.close();
  vi.advanceTimersByTime(60_000);
  expect(names()).toEqual([]);
});
