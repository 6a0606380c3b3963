import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RecordVerdict, RunRecord, TransitionRecord } from "../../wire/run-record.ts";
import { newId } from "../db/new-id.ts";
import { decodeTransitions } from "../db/transitions.ts";
import { ServerCore } from "../server-core.ts";

const T = 1_790_000_000_000_000;
const PROCESS = newId(T);
let folder: string;
let core: ServerCore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-records-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db") });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

const pending: TransitionRecord = ["PENDING", "Pending", T];
const running: TransitionRecord = ["RUNNING", "Running", T + 10];
const completed: TransitionRecord = ["COMPLETED", "Completed", T + 30];

type Sent = readonly [base: RunRecord["base"], ...transitions: TransitionRecord[]];
function task(id: string, [base, ...transitions]: Sent, flowRunId: string | null = null): RunRecord {
  return {
    kind: "task",
    id,
    base,
    transitions,
    run: { name: `t-${id.slice(-3)}`, flow_run_id: flowRunId, task_key: "t-0a1b2c3d", dynamic_key: id },
  };
}
function flow(id: string, [base, ...transitions]: Sent, rest: object = {}): RunRecord {
  return { kind: "flow", id, base, transitions, run: { name: "run", flow_name: "etl", parameters: { n: 1 }, ...rest } };
}
async function post(...records: RunRecord[]): Promise<readonly RecordVerdict[]> {
  const { status, body } = await core.handle({
    method: "POST",
    path: "/api/sluice/run-records",
    body: JSON.stringify({ process_id: PROCESS, records }),
  });
  expect(status, body).toBe(200);
  return (JSON.parse(body) as { verdicts: RecordVerdict[] }).verdicts;
}
const names = (text: string | undefined): string[] => decodeTransitions(text ?? "[]").map(([, name]) => name);

test("a run that starts and ends in one record is stored with its totals", async () => {
  const id = newId(T);
  expect(await post(task(id, [0, pending, running, completed]))).toEqual([]);
  expect(core.store.taskRuns.byId(id)).toMatchObject({
    state_type: "COMPLETED",
    start_time: T + 10,
    end_time: T + 30,
    total_run_time: 20,
    run_count: 1,
    process_id: null,
  });
});

test("a batch may be delivered any number of times", async () => {
  const [a, b] = [newId(T), newId(T)];
  const batch = [task(a, [0, pending, running, completed]), flow(b, [0, pending, running]), flow(b, [2, completed])];
  for (let round = 0; round < 3; round++) expect(await post(...batch)).toEqual([]);
  expect(names(core.store.taskRuns.byId(a)?.transitions)).toEqual(["Pending", "Running", "Completed"]);
  expect(names(core.store.flowRuns.byId(b)?.transitions)).toEqual(["Pending", "Running", "Completed"]);
});

test("a record that overlaps what is stored adds only the rest", async () => {
  const id = newId(T);
  await post(task(id, [0, pending, running]));
  expect(await post(task(id, [1, running, completed]))).toEqual([]);
  expect(names(core.store.taskRuns.byId(id)?.transitions)).toEqual(["Pending", "Running", "Completed"]);
});

test("two flow runs of one flow share its row", async () => {
  const [a, b] = [newId(T), newId(T)];
  await post(flow(a, [0, pending]), flow(b, [0, pending]));
  expect(core.store.flowRuns.byId(a)?.flow_id).toBe(core.store.flowRuns.byId(b)?.flow_id);
});

test("a subflow's tracking task run has the subflow's states and names it", async () => {
  const [root, child, tracking] = [newId(T), newId(T), newId(T)];
  const parent = { id: tracking, name: "etl-0", flow_run_id: root, task_key: "etl", dynamic_key: "0" };
  await post(flow(root, [0, pending, running]), flow(child, [0, pending, running], { parent_task_run: parent }));
  expect(await post(flow(child, [2, completed]))).toEqual([]);
  const row = core.store.taskRuns.byId(tracking);
  expect(row).toMatchObject({ state_type: "COMPLETED", child_flow_run_id: child, flow_run_id: root, run_count: 1 });
  expect(names(row?.transitions)).toEqual(["Pending", "Running", "Completed"]);
  expect(core.store.taskGroups.ofFlowRun(root)).toEqual([]);
});

test("a run that is being cancelled cannot complete", async () => {
  const id = newId(T);
  await post(flow(id, [0, pending, running]));
  await post(flow(id, ["latest", ["CANCELLING", "Cancelling", T + 20, "by hand"]]));
  const [verdict] = await post(flow(id, [2, completed]));
  expect(verdict).toMatchObject({
    status: "REJECT",
    transition_count: 3,
    state: { type: "CANCELLING", name: "Cancelling", message: "by hand" },
  });
  expect(await post(flow(id, [3, ["CANCELLED", "Cancelled", T + 40]]))).toEqual([]);
});

test("a process that was given up does not bring its runs back", async () => {
  const id = newId(T);
  await post(task(id, [0, pending, running]));
  await core.store.write(() => core.processes.bury(PROCESS, "gone"));
  const [verdict] = await post(task(id, [2, completed]));
  expect(verdict).toMatchObject({ status: "REJECT", transition_count: 3, state: { type: "CRASHED", message: "gone" } });
  expect(core.store.taskRuns.byId(id)?.state_type).toBe("CRASHED");
});

test("base latest appends after whatever is stored, once, and never to a final run", async () => {
  const id = newId(T);
  await post(task(id, [0, pending, running]));
  const crash = task(id, ["latest", ["CRASHED", "Crashed", T + 50, "worker died"]]);
  expect(await post(crash)).toMatchObject([{ status: "ACCEPT", transition_count: 3, state: { type: "CRASHED" } }]);
  expect(await post(crash)).toMatchObject([{ status: "ACCEPT", transition_count: 3 }]);
  expect(await post(task(id, ["latest", ["FAILED", "Failed", T + 60]]))).toMatchObject([
    { status: "REJECT", transition_count: 3, state: { type: "CRASHED" } },
  ]);
});

test("a start that both sides of a run report is stored once, in whatever order they come", async () => {
  const id = newId(T);
  await post(flow(id, [0, pending]));
  await post(flow(id, [1, running]));
  // The far side does not know what the near side has told.
  expect(await post(flow(id, ["latest", pending]))).toMatchObject([{ status: "ACCEPT", transition_count: 2 }]);
  expect(await post(flow(id, [2, running]))).toMatchObject([{ status: "ACCEPT", transition_count: 2 }]);
  expect(await post(flow(id, [2, completed]))).toEqual([]);
  const row = core.store.flowRuns.byId(id);
  expect([row?.run_count, row?.state_type]).toEqual([1, "COMPLETED"]);
});

test("base latest makes a run that nobody has reported", async () => {
  const id = newId(T);
  expect(await post(task(id, ["latest", pending, ["CRASHED", "Crashed", T + 5, "no worker"]]))).toMatchObject([
    { status: "ACCEPT", transition_count: 2 },
  ]);
  expect(core.store.taskRuns.byId(id)?.state_type).toBe("CRASHED");
});

test("a record of a run that the store does not know is refused by name", async () => {
  const id = newId(T);
  const [verdict] = await post({ kind: "task", id, base: 2, transitions: [completed] });
  expect(verdict).toMatchObject({ id, status: "ABORT", transition_count: 0 });
});

test("a proposed failure is turned into a retry by the rules", async () => {
  const id = newId(T);
  await post(flow(id, [0, pending, running], { empirical_policy: { retries: 1, retry_delay: 0 } }));
  const [verdict] = await post({
    kind: "flow",
    id,
    base: 2,
    transitions: [["FAILED", "Failed", T + 20, "no"]],
    propose: true,
  });
  expect(verdict).toMatchObject({
    status: "REJECT",
    transition_count: 3,
    state: { type: "SCHEDULED", name: "AwaitingRetry" },
  });
});

test("task runs are counted per task, also when they move on", async () => {
  const root = newId(T);
  const ids = Array.from({ length: 5 }, () => newId(T));
  await post(flow(root, [0, pending, running]), ...ids.map((id) => task(id, [0, pending, running], root)));
  await post(...ids.slice(0, 3).map((id) => task(id, [2, completed], root)));
  expect(core.store.taskGroups.ofFlowRun(root)).toMatchObject([
    { name: "t", running: 2, completed: 3, pending: 0, first_start: T + 10, last_end: T + 30, total_run_time: 60 },
  ]);
});

test("a malformed record is refused with its place, and nothing of its batch is stored", async () => {
  const id = newId(T);
  const records = [task(id, [0, pending]), { ...task(newId(T), [0, pending]), transitions: [["DONE", "Done", T]] }];
  const { status, body } = await core.handle({
    method: "POST",
    path: "/api/sluice/run-records",
    body: JSON.stringify({ process_id: PROCESS, records }),
  });
  expect(status).toBe(422);
  expect(JSON.parse(body)).toMatchObject({
    exception_message: "Invalid request received.",
    exception_detail: [{ loc: ["body", "records", 1, "transitions"] }],
  });
  expect(core.store.taskRuns.byId(id)).toBeUndefined();
});
