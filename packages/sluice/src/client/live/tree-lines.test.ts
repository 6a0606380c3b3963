import { expect, test } from "vitest";
import { flowNode, runTree, taskNode } from "./run-tree.fixture.ts";
import { PLAIN_STYLE } from "./style.ts";
import { displayWidth } from "./text-width.ts";
import { treeLines } from "./tree-lines.ts";

const wide = { rows: 40, columns: 100, style: PLAIN_STYLE };

function children(count: number, completed: number): ReturnType<typeof flowNode>[] {
  return Array.from({ length: count }, (_, index) =>
    flowNode({
      id: `c${String(index)}`,
      name: `child-${String(index)}`,
      start: index < completed + 2 ? 1 : null,
      end: index < completed ? 2 : null,
      tasks: [taskNode("heavy", { COMPLETED: 3 }, { first: 1, last: 2 })],
    }),
  );
}

test("draws flow runs as branches and tasks as counts", () => {
  const root = flowNode({
    flow_name: "master",
    tasks: [taskNode("load", { COMPLETED: 120, RUNNING: 4, PENDING: 876 })],
    flow_runs: [
      flowNode({ name: "calm-fox", end: 2, tasks: [taskNode("heavy", { COMPLETED: 3 }, { last: 1.5 })] }),
      flowNode({ name: "shy-owl", start: null }),
    ],
  });
  expect(treeLines(runTree(12.3, root), wide)).toEqual([
    "> master  brave-otter  12.3s  1 of 2 subflows",
    "|- > load  120 of 1,000, 4 running  12.3s",
    "|- + subflow  calm-fox  2.0s",
    "|  `- + heavy  3  1.5s",
    "`- . subflow  shy-owl",
  ]);
});

test("tells a failure with the first line of its message", () => {
  const root = flowNode({ end: 1, state_type: "FAILED", state_message: "Error: no such table\n  at x" });
  expect(treeLines(runTree(1, root), wide)).toEqual(["x subflow  brave-otter  1.0s  Failed: Error: no such table"]);
});

test("folds the parts of completed runs first", () => {
  const root = flowNode({ flow_name: "master", flow_runs: children(4, 2) });
  expect(treeLines(runTree(3, root), { ...wide, rows: 7 })).toEqual([
    "> master  brave-otter  3.0s  2 of 4 subflows",
    "|- + subflow  child-0  1.0s",
    "|- + subflow  child-1  1.0s",
    "|- > subflow  child-2  2.0s",
    "|  `- + heavy  3  1.0s",
    "`- > subflow  child-3  2.0s",
    "   `- + heavy  3  1.0s",
  ]);
});

test("joins completed and waiting siblings when single lines do not fit", () => {
  const root = flowNode({ flow_name: "master", flow_runs: children(100, 60) });
  expect(treeLines(runTree(3, root), { ...wide, rows: 8 })).toEqual([
    "> master  brave-otter  3.0s  60 of 100 subflows",
    "|- + subflow  60  1m 00s in all",
    "|- > subflow  child-60  2.0s",
    "|  `- + heavy  3  1.0s",
    "|- > subflow  child-61  2.0s",
    "|  `- + heavy  3  1.0s",
    "`- . subflow  0 of 38",
  ]);
});

test("joins all siblings of a flow in the end", () => {
  const root = flowNode({ flow_name: "master", flow_runs: children(100, 60) });
  expect(treeLines(runTree(3, root), { ...wide, rows: 2 })).toEqual([
    "> master  brave-otter  3.0s  60 of 100 subflows",
    "`- > subflow  60 of 100, 2 running  1m 00s in all",
  ]);
});

test("never exceeds the rows and columns that it is given", () => {
  const tasks = Array.from({ length: 50 }, (_, index) =>
    taskNode(`task-with-a-long-name-${String(index)}`, { RUNNING: 1 }),
  );
  const root = flowNode({ flow_name: "名前".repeat(20), tasks });
  const lines = treeLines(runTree(1, root), { rows: 5, columns: 20, style: { colour: true, unicode: true } });
  expect(lines).toHaveLength(5);
  expect(lines.every((line) => displayWidth(line) <= 20)).toBe(true);
});

test("shows rate and time left where they are known", () => {
  const root = flowNode({ tasks: [taskNode("load", { COMPLETED: 10, PENDING: 90 })] });
  expect(treeLines(runTree(2, root), { ...wide, pace: () => ({ perSecond: 5, leftMs: 18_000 }) })[1]).toBe(
    "`- > load  10 of 100  2.0s  5.0/s, 18.0s left",
  );
});

test("keeps escapes of names out of the terminal", () => {
  const root = flowNode({ flow_name: "evil\u001B[2J\nname" });
  expect(treeLines(runTree(1, root), wide)[0]).toBe("> evil [2J name  brave-otter  1.0s");
});

test("draws five thousand runs in well under a look's time", () => {
  const root = flowNode({ flow_name: "master", flow_runs: children(5000, 3000) });
  const startMs = performance.now();
  treeLines(runTree(3, root), { ...wide, rows: 20 });
  expect(performance.now() - startMs).toBeLessThan(1000);
});
