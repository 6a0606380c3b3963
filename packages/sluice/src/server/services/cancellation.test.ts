import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";
import { cancellationCleanup } from "./cancellation-cleanup.ts";
import { pauseExpirations } from "./pause-expirations.ts";

const START = 1_790_000_000_000_000;
const SECOND = 1_000_000;
let folder: string;
let core: ServerCore;
let nowUs: number;
let flow: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-cancellation-"));
  nowUs = START;
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), nowUs: () => nowUs++ });
  flow = await post("/flows/", { name: "etl" });
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
const flowRun = (state: object, rest: object = {}) => post("/flow_runs/", { flow_id: flow, state, ...rest });
const taskRun = (flow_run_id: string, state: object = { type: "RUNNING" }) =>
  post("/task_runs/", { flow_run_id, task_key: "t", dynamic_key: newId(nowUs), state });
const setState = (id: string, state: object) => post(`/flow_runs/${id}/set_state`, { state, force: true });
async function subflowOf(parent: string, state: object, rest: object = {}): Promise<string> {
  return flowRun(state, { parent_task_run_id: await taskRun(parent, { type: "PENDING" }), ...rest });
}
const cleanUp = () => cancellationCleanup.run(core);

/** Type and message of the newest state of a run. */
async function stateOf(id: string, noun = "flow_run"): Promise<unknown[]> {
  const answer = await core.handle({ method: "GET", path: `/api/${noun}s/${id}` });
  const { state } = JSON.parse(answer.body) as { state: { type: string; message: string | null } };
  return [state.type, state.message];
}

/** Registers a process and stores an open run that it owns. */
async function ownedRun(type: string, parent?: string): Promise<string> {
  const process = newId(nowUs);
  await post("/sluice/processes", { id: process, pid: 1, hostname: "elsewhere", boot_id: "b", start_ticks: null });
  const id = newId(nowUs);
  const tracking = { id: newId(nowUs), name: "s", flow_run_id: parent, task_key: "s", dynamic_key: id };
  const run = { name: "r", flow_name: "f", parameters: {}, ...(parent ? { parent_task_run: tracking } : {}) };
  const records = [{ kind: "flow", id, base: 0, transitions: [[type, type, nowUs]], run }];
  await post("/sluice/run-records", { process_id: process, records });
  return id;
}

test("a pause whose time is up fails its run, others go on waiting", async () => {
  const pause = async (details: object): Promise<string> => {
    const id = await flowRun({ type: "RUNNING" });
    await setState(id, { type: "PAUSED", state_details: details });
    return id;
  };
  const [short, long] = [
    await pause({ pause_timeout: new Date((START + 10 * SECOND) / 1000).toISOString() }),
    await pause({}),
  ];
  await pauseExpirations.run(core);
  expect(await stateOf(short)).toEqual(["PAUSED", null]);
  nowUs += 11 * SECOND;
  await pauseExpirations.run(core);
  expect(await stateOf(short)).toEqual(["FAILED", "The flow was paused and never resumed."]);
  expect(await stateOf(long)).toEqual(["PAUSED", null]);
});

test("more pauses than a portion are all looked at", async () => {
  const pause_timeout = new Date(START / 1000 - 1000).toISOString();
  const paused = Array.from({ length: 450 }, () => flowRun({ type: "PAUSED", state_details: { pause_timeout } }));
  const ids = await Promise.all(paused);
  await pauseExpirations.run(core);
  expect(new Set(ids.map((id) => core.store.flowRuns.byId(id)?.state_type))).toEqual(new Set(["FAILED"]));
});

test("a run that is cancelling for too long counts as cancelled", async () => {
  const id = await flowRun({ type: "CANCELLING" });
  nowUs += 299 * SECOND;
  await cleanUp();
  expect(await stateOf(id)).toEqual(["CANCELLING", null]);
  nowUs += 2 * SECOND;
  await cleanUp();
  expect(await stateOf(id)).toEqual([
    "CANCELLED",
    "Flow run cancellation timed out; marked this flow run as Cancelled.",
  ]);
});

test("a worker of the pool is asked, once, to tear down what is left of a run whose cancel took too long", async () => {
  await post("/work_pools/", { name: "pool", type: "process" });
  await post("/work_pools/", { name: "cloud", type: "cloud-run:push" });
  const id = await flowRun({ type: "CANCELLING" }, { work_pool_name: "pool" });
  await flowRun({ type: "CANCELLING" }, { work_pool_name: "cloud" });
  await flowRun({ type: "CANCELLING" });
  nowUs += 301 * SECOND;
  await cleanUp();
  await cleanUp();
  const messages = core.store.query("SELECT kind, target FROM cleanup_message", []);
  expect(messages).toEqual([
    {
      kind: "cancelling_timeout_teardown.v1",
      target: JSON.stringify({ flow_run_id: id, infrastructure_pid: null }),
    },
  ]);
});

test("a cancelling run whose process is there is left to it", async () => {
  const id = await ownedRun("CANCELLING");
  nowUs += 1000 * SECOND;
  await cleanUp();
  expect((await stateOf(id))[0]).toBe("CANCELLING");
});

test("the task runs of a cancelled flow run are cancelled, those that are over are not", async () => {
  const parent = await flowRun({ type: "RUNNING" });
  const open = await Promise.all(Array.from({ length: 250 }, () => taskRun(parent)));
  const over = await taskRun(parent, { type: "COMPLETED" });
  await setState(parent, { type: "CANCELLED" });
  await cleanUp();
  expect(new Set(open.map((id) => core.store.taskRuns.byId(id)?.state_type))).toEqual(new Set(["CANCELLED"]));
  expect(await stateOf(open[0] ?? "", "task_run")).toEqual(["CANCELLED", "The parent flow run was cancelled."]);
  expect((await stateOf(over, "task_run"))[0]).toBe("COMPLETED");
});

test("subflows of a cancelled flow run are cancelled with it, whole trees of them", async () => {
  const parent = await flowRun({ type: "RUNNING" });
  const child = await subflowOf(parent, { type: "RUNNING" });
  const grandchild = await subflowOf(child, { type: "PENDING" });
  const kept = await subflowOf(parent, { type: "COMPLETED" });
  await setState(parent, { type: "CANCELLED" });
  await cleanUp();
  await cleanUp();
  expect(await stateOf(child)).toEqual(["CANCELLED", "The parent flow run was cancelled."]);
  expect(await stateOf(grandchild)).toEqual(["CANCELLED", "The parent flow run was cancelled."]);
  expect((await stateOf(kept))[0]).toBe("COMPLETED");
});

test("subflows that somebody else runs are asked to stop, not declared stopped", async () => {
  const parent = await flowRun({ type: "RUNNING" });
  const deployed = await subflowOf(parent, { type: "RUNNING" }, { deployment_id: newId(START) });
  const owned = await ownedRun("RUNNING", parent);
  await setState(parent, { type: "CANCELLED" });
  await cleanUp();
  await cleanUp();
  for (const id of [deployed, owned])
    expect(await stateOf(id)).toEqual(["CANCELLING", "The parent flow run was cancelled."]);
});

test("the looks at waiting runs go by indexes of their own", () => {
  const plan = (sql: string): string =>
    core.store
      .query(`EXPLAIN QUERY PLAN ${sql}`, [])
      .map(({ detail }) => String(detail))
      .join("\n");
  expect(plan("SELECT * FROM flow_run WHERE state_type = 'PAUSED' AND no > 0")).toContain("flow_run_paused");
  expect(plan("SELECT * FROM flow_run WHERE state_type = 'CANCELLING' AND no > 0")).toContain("flow_run_cancelling");
  expect(plan("SELECT * FROM flow_run r WHERE r.state_type = 'CANCELLED' AND r.no > 0")).toContain(
    "flow_run_cancelled",
  );
  const open = "SELECT * FROM flow_run c WHERE c.end_time IS NULL AND c.parent_flow_run_id IS NOT NULL AND c.no > 0";
  expect(plan(open)).toContain("flow_run_open_child");
});
