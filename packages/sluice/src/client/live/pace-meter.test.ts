import { expect, test } from "vitest";
import { PaceMeter, taskPaceKey } from "./pace-meter.ts";
import { flowNode, runTree, taskNode } from "./run-tree.fixture.ts";

function look(meter: PaceMeter, now: number, done: number): void {
  meter.observe(runTree(now, flowNode({ tasks: [taskNode("load", { COMPLETED: done, PENDING: 100 - done })] })));
}

const key = taskPaceKey("run-1", "load");

test("knows no pace from one look", () => {
  const meter = new PaceMeter();
  look(meter, 0, 10);
  expect(meter.pace(key)).toBeUndefined();
});

test("measures ends per second and the time left", () => {
  const meter = new PaceMeter();
  look(meter, 0, 10);
  look(meter, 2, 30);
  expect(meter.pace(key)).toEqual({ perSecond: 10, leftMs: 7000 });
});

test("forgets what is older than ten seconds", () => {
  const meter = new PaceMeter();
  for (const [now, done] of [
    [0, 0],
    [1, 50],
    [8, 50],
    [11, 53],
    [18, 60],
  ] as const)
    look(meter, now, done);
  expect(meter.pace(key)?.perSecond).toBe(1);
});

test("has no time left while nothing ends, and no pace for a group that is over", () => {
  const meter = new PaceMeter();
  look(meter, 0, 10);
  look(meter, 5, 10);
  expect(meter.pace(key)).toEqual({ perSecond: 0, leftMs: null });
  look(meter, 6, 100);
  expect(meter.pace(key)).toBeUndefined();
});

test("measures the child flow runs of a flow run by its id", () => {
  const meter = new PaceMeter();
  meter.observe(
    runTree(0, flowNode({ flow_runs: [flowNode({ id: "a" }), flowNode({ id: "b" }), flowNode({ id: "c" })] })),
  );
  meter.observe(
    runTree(2, flowNode({ flow_runs: [flowNode({ id: "a", end: 1 }), flowNode({ id: "b" }), flowNode({ id: "c" })] })),
  );
  expect(meter.pace("run-1")).toEqual({ perSecond: 0.5, leftMs: 4000 });
});
