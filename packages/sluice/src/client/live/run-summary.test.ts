import { expect, test } from "vitest";
import { summarise } from "./run-summary.ts";
import { flowNode, runTree, taskNode } from "./run-tree.fixture.ts";
import { PLAIN_STYLE } from "./style.ts";
import { summaryLines } from "./summary-lines.ts";

const tree = runTree(
  20,
  flowNode({
    id: "root",
    flow_name: "master",
    end: 10,
    tasks: [taskNode("list", { COMPLETED: 1 }, { first: 0, last: 1, seconds: 1 })],
    flow_runs: [
      flowNode({
        id: "a",
        name: "a",
        start: 1,
        end: 10,
        tasks: [taskNode("heavy", { COMPLETED: 90 }, { first: 2, last: 9.5, seconds: 7 })],
      }),
      flowNode({
        id: "b",
        name: "b",
        start: 1,
        end: 9,
        state_type: "FAILED",
        tasks: [taskNode("heavy", { COMPLETED: 5, FAILED: 1 })],
      }),
    ],
  }),
);

test("divides the run times of the direct children by the wall time", () => {
  const summary = summarise(tree);
  expect([summary.wallMs, summary.childRunMs, summary.speedup]).toEqual([10_000, 18_000, 1.8]);
});

test("follows back from the child that ended last to those that had to end before it", () => {
  const path = summarise(tree).criticalPath.map(({ runName, durationMs, chain }) => ({
    of: `${runName} ${String(durationMs)}`,
    chain: chain.map((step) => `${step.name} ${step.runName ?? "-"} ${String(step.durationMs)}`),
  }));
  expect(path).toEqual([
    { of: "brave-otter 10000", chain: ["list - 1000", "subflow a 9000"] },
    { of: "a 9000", chain: ["heavy - 7500"] },
  ]);
});

test("counts a row of equal children on the critical path as one step, and leaves those beside it out", () => {
  const child = (id: string, start: number, end: number): ReturnType<typeof flowNode> =>
    flowNode({ id, name: id, start, end });
  const flow_runs = [child("a", 0, 2), child("b", 2, 5), child("beside", 0, 4.5), child("c", 5, 9)];
  const tasks = [taskNode("add-up", { COMPLETED: 1 }, { first: 9, last: 9.5 })];
  const [level] = summarise(runTree(10, flowNode({ end: 10, flow_runs, tasks }))).criticalPath;
  expect(level?.chain).toEqual([
    { kind: "flow", name: "subflow", runName: null, count: 3, durationMs: 9000 },
    { kind: "task", name: "add-up", runName: null, count: 1, durationMs: 500 },
  ]);
});

test("counts all levels by state", () => {
  const { flowRunCounts, taskRunCounts } = summarise(tree);
  expect([flowRunCounts, taskRunCounts]).toEqual([
    { COMPLETED: 1, FAILED: 1 },
    { COMPLETED: 96, FAILED: 1 },
  ]);
});

test("names the slowest flow runs, longest first", () => {
  expect(summarise(tree).slowest.map(({ runName, durationMs }) => [runName, durationMs])).toEqual([
    ["a", 9000],
    ["b", 8000],
  ]);
});

test("names the slowest tasks of a flow without subflows by their mean", () => {
  const root = flowNode({
    end: 4,
    tasks: [taskNode("x", { COMPLETED: 4 }, { seconds: 2 }), taskNode("y", { COMPLETED: 1 }, { seconds: 1 })],
  });
  expect(summarise(runTree(5, root)).slowest.map(({ name, durationMs, count }) => [name, durationMs, count])).toEqual([
    ["y", 1000, 1],
    ["x", 500, 4],
  ]);
});

test("has no speed-up for a run without children or without a start", () => {
  expect(summarise(runTree(1, flowNode({ end: 1 }))).speedup).toBeNull();
  expect(summarise(runTree(1, flowNode({ start: null })))).toMatchObject({
    wallMs: 0,
    speedup: null,
    criticalPath: [],
  });
});

test("counts subflows that the tree left out", () => {
  const root = flowNode({
    flow_runs: [flowNode({ id: "c", end: 1 })],
    omitted_flow_runs: { COMPLETED: 7, RUNNING: 2 },
  });
  const summary = summarise(runTree(1, root));
  expect([summary.flowRunCounts, summary.omittedFlowRuns]).toEqual([{ COMPLETED: 8, RUNNING: 2 }, 9]);
  expect(summaryLines(summary, PLAIN_STYLE)).toContain(
    "  left out       9 of the subflow runs: too many for one summary",
  );
});

test("is written as one line a fact with the command that shows more", () => {
  expect(summaryLines(summarise(tree), PLAIN_STYLE)).toEqual([
    "+ master brave-otter  Completed",
    "  wall time      10.0s",
    "  run times      18.0s, summed over the runs directly below",
    "  speed-up       1.80x  (run times / wall time)",
    "  subflow runs   1 completed, 1 failed",
    "  task runs      96 completed, 1 failed",
    "  critical path  10.0s  master brave-otter: list 1.0s -> subflow a 9.0s",
    "                 9.0s  subflow a: heavy 7.5s",
    "  slowest        9.0s  subflow a",
    "                 8.0s  subflow b",
    "  look next      npx sluice flow-run inspect root",
  ]);
});
