import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Graph } from "../../../wire/contract/shapes.ts";
import { ServerCore } from "../../server-core.ts";

/* What is expected here was asked of prefect 3.8.8, whose edges stand there once for each input that makes them. */

let folder: string;
let core: ServerCore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-graph-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db") });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function post(path: string, body: unknown): Promise<string> {
  const answer = await core.handle({ method: "POST", path: `/api${path}`, body: JSON.stringify(body) });
  expect(answer.status, answer.body).toBeLessThan(300);
  return (JSON.parse(answer.body) as { id: string }).id;
}
async function graphOf(id: string, search = ""): Promise<Graph> {
  const { status, body } = await core.handle({ method: "GET", path: `/api/flow_runs/${id}/graph-v2${search}` });
  expect(status, body).toBe(200);
  return JSON.parse(body) as Graph;
}

test("a graph shows tasks, subflows in the place of their tracking task runs, edges, circles around them, and artifacts", async () => {
  const flow_id = await post("/flows/", { name: "etl" });
  const flow_run_id = await post("/flow_runs/", { flow_id, state: { type: "RUNNING" } });
  const task = (name: string, rest: object = {}) =>
    post("/task_runs/", { flow_run_id, task_key: "k", dynamic_key: name, name, ...rest });
  const of = (id: string) => ({ input_type: "task_run", id });
  const a = await task("a");
  const b = await task("b", { task_inputs: { x: [of(a)], y: [of(a)], z: [{ input_type: "constant", type: "int" }] } });
  await task("c", { task_inputs: { x: [of(a)], __parents__: [of(b)] } });
  const tracking = await task("s", { task_inputs: { x: [of(b)] } });
  const child = await post("/flow_runs/", { flow_id, parent_task_run_id: tracking, name: "child" });
  await task("d", {
    task_inputs: { x: [{ input_type: "flow_run", id: child }], p: [{ input_type: "parameter", name: "p" }] },
  });
  await post("/artifacts/", { key: "art", type: "markdown", data: "old", flow_run_id, task_run_id: a });
  await post("/artifacts/", { key: "art", type: "markdown", data: "new", flow_run_id });
  await post("/artifacts/", { type: "progress", data: 0.5, flow_run_id, task_run_id: b });
  await post("/artifacts/", { type: "result", data: "r", flow_run_id, task_run_id: b });
  const graph = await graphOf(flow_run_id);
  const labels = new Map(graph.nodes.map(([id, node]) => [id, node.label]));
  const named = (edges: readonly { readonly id: string }[]) => edges.map(({ id }) => labels.get(id));
  const drawn = graph.nodes.map(([, node]) => [
    node.label,
    node.kind,
    named(node.parents),
    named(node.children),
    named(node.encapsulating),
    node.artifacts.map(({ type, is_latest, data }) => [type, is_latest, data]),
  ]);
  expect(drawn).toEqual([
    ["a", "task-run", [], ["b", "c"], [], [["markdown", false, null]]],
    ["b", "task-run", ["a"], ["etl / child"], [], [["progress", true, 0.5]]],
    ["c", "task-run", ["a"], [], ["b"], []],
    ["etl / child", "flow-run", ["b"], ["d"], [], []],
    ["d", "task-run", ["etl / child"], [], [], []],
  ]);
  expect(graph.root_node_ids).toEqual([a]);
  expect(graph.artifacts).toMatchObject([{ type: "markdown", is_latest: true }]);
  expect(graph.states).toMatchObject([{ type: "RUNNING", name: "Running" }]);
});

test("a graph leaves out what ended before a time", async () => {
  const flow_id = await post("/flows/", { name: "etl" });
  const flow_run_id = await post("/flow_runs/", { flow_id });
  const task = (name: string, type: string) =>
    post("/task_runs/", { flow_run_id, task_key: "k", dynamic_key: name, name, state: { type } });
  await task("over", "COMPLETED");
  await task("open", "RUNNING");
  const graph = await graphOf(flow_run_id, "?since=2999-01-01T00:00:00Z");
  expect(graph.nodes.map(([, node]) => node.label)).toEqual(["open"]);
});

test("a graph of more than a portion of task runs is whole", async () => {
  const flow_id = await post("/flows/", { name: "etl" });
  const flow_run_id = await post("/flow_runs/", { flow_id });
  const created = Array.from({ length: 2100 }, (_, no) =>
    post("/task_runs/", { flow_run_id, task_key: "k", dynamic_key: String(no) }),
  );
  const ids = await Promise.all(created);
  const graph = await graphOf(flow_run_id);
  expect(new Set(graph.nodes.map(([id]) => id))).toEqual(new Set(ids));
});
