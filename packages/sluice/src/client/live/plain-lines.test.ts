import { expect, test } from "vitest";
import { PlainLines } from "./plain-lines.ts";
import { flowNode, runTree, taskNode } from "./run-tree.fixture.ts";
import { PLAIN_STYLE } from "./style.ts";

test("tells each start and end once", () => {
  const plain = new PlainLines(PLAIN_STYLE);
  const child = { id: "child", name: "calm-fox" };
  const lines = [
    ...plain.next(runTree(1, flowNode({ flow_name: "master", flow_runs: [flowNode({ ...child, start: 1 })] }))),
    ...plain.next(runTree(2, flowNode({ flow_name: "master", flow_runs: [flowNode({ ...child, start: 1 })] }))),
    ...plain.next(runTree(3, flowNode({ flow_name: "master", flow_runs: [flowNode({ ...child, start: 1, end: 3 })] }))),
    ...plain.next(
      runTree(4, flowNode({ flow_name: "master", end: 4, flow_runs: [flowNode({ ...child, start: 1, end: 3 })] })),
    ),
  ];
  expect(lines).toEqual([
    "   1.0s  > master brave-otter started",
    "   1.0s  > subflow calm-fox started",
    "   3.0s  + subflow calm-fox Completed after 2.0s",
    "   4.0s  + master brave-otter Completed after 4.0s",
  ]);
});

test("tells a run that started and failed between two looks with its message", () => {
  const plain = new PlainLines(PLAIN_STYLE);
  const lines = plain.next(runTree(2, flowNode({ end: 1, state_type: "FAILED", state_message: "Error: no\n  at f" })));
  expect(lines).toEqual(["   2.0s  x subflow brave-otter Failed after 1.0s: Error: no"]);
});

test("tells a pause with the command that ends it, and that it has ended", () => {
  const plain = new PlainLines(PLAIN_STYLE);
  const look = (now: number, state_type: "RUNNING" | "PAUSED"): string[] =>
    plain.next(runTree(now, flowNode({ id: "0197a000", state_type })));
  expect([...look(1, "RUNNING"), ...look(2, "PAUSED"), ...look(3, "PAUSED"), ...look(4, "RUNNING")]).toEqual([
    "   1.0s  > subflow brave-otter started",
    "   2.0s  = subflow brave-otter paused, goes on by: npx sluice flow-run resume 0197a000",
    "   4.0s  > subflow brave-otter resumed",
  ]);
});

test("counts tasks at intervals and only when something ended", () => {
  const plain = new PlainLines(PLAIN_STYLE, 5000);
  const look = (now: number, done: number): string[] =>
    plain.next(runTree(now, flowNode({ tasks: [taskNode("load", { COMPLETED: done, RUNNING: 10 - done })] })));
  look(0, 0);
  expect(look(3, 2)).toEqual([]);
  expect(look(6, 4)).toEqual(["   6.0s  > subflow brave-otter: load 4 of 10"]);
  expect(look(12, 4)).toEqual([]);
});

test("joins a fan-out of hundreds into one line a flow", () => {
  const plain = new PlainLines(PLAIN_STYLE);
  plain.next(runTree(0, flowNode({ flow_name: "master" })));
  const many = Array.from({ length: 300 }, (_, index) =>
    flowNode({ id: `c${String(index)}`, end: index < 100 ? 1 : null }),
  );
  expect(plain.next(runTree(1, flowNode({ flow_name: "master", flow_runs: many })))).toEqual([
    "   1.0s  + subflow: 100 runs Completed",
    "   1.0s  > subflow: 200 runs started",
  ]);
});
