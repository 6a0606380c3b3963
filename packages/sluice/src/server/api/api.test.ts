import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";

let folder: string;
let core: ServerCore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-api-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), testing: true });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function call(method: string, path: string, body?: unknown) {
  const answer = await core.handle({
    method,
    path: `/api${path}`,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // Looked into by toMatchObject only.
  const json = (answer.body === "" ? undefined : JSON.parse(answer.body)) as { id: string; [name: string]: unknown };
  return { status: answer.status, json };
}
async function makeRun(rest: object = {}) {
  const flow = await call("POST", "/flows/", { name: "etl" });
  return (await call("POST", "/flow_runs/", { flow_id: flow.json.id, state: { type: "PENDING" }, ...rest })).json;
}
const setState = (id: string, state: object, force = false) =>
  call("POST", `/flow_runs/${id}/set_state`, { state, force });
const ids = (rows: unknown): string[] => (rows as { id: string }[]).map(({ id }) => id);

test("a flow is made once, then found", async () => {
  expect((await call("POST", "/flows/", { name: "etl" })).status).toBe(201);
  expect((await call("POST", "/flows/", { name: "etl" })).status).toBe(200);
  expect((await call("GET", "/flows/name/etl")).status).toBe(200);
  expect((await call("GET", "/flows/name/other")).status).toBe(404);
});

test("a flow run goes from Pending to Completed", async () => {
  const { id } = await makeRun();
  expect(await setState(id, { type: "RUNNING" })).toMatchObject({
    status: 201,
    json: { status: "ACCEPT", state: { name: "Running" }, details: { type: "accept_details" } },
  });
  expect((await setState(id, { type: "COMPLETED" })).status).toBe(201);
  const { json } = await call("GET", `/flow_runs/${id}`);
  expect(json).toMatchObject({
    state_type: "COMPLETED",
    run_count: 1,
    state: { id: json["state_id"] },
    labels: { "prefect.flow.id": json["flow_id"] },
  });
  expect((await call("GET", `/flow_run_states/?flow_run_id=${id}`)).json).toMatchObject([
    { type: "PENDING" },
    { type: "RUNNING" },
    { type: "COMPLETED" },
  ]);
});

test("a refused transition is answered with 200 and the reason", async () => {
  const { id } = await makeRun();
  expect(await setState(id, { type: "PENDING" })).toMatchObject({
    status: 200,
    json: { status: "ABORT", details: { type: "abort_details" } },
  });
  await setState(id, { type: "CANCELLING" });
  expect(await setState(id, { type: "RUNNING" })).toMatchObject({
    status: 200,
    json: { status: "REJECT", state: { type: "CANCELLING" } },
  });
});

test("a scheduled run that is started early is told to wait", async () => {
  const { id } = await makeRun({
    state: { type: "SCHEDULED", state_details: { scheduled_time: "2999-01-01T00:00:00Z" } },
  });
  expect((await setState(id, { type: "PENDING" })).json).toMatchObject({ status: "ACCEPT" });
  expect((await setState(id, { type: "RUNNING" })).json).toMatchObject({
    status: "WAIT",
    details: { type: "wait_details" },
  });
});

test("a failing flow run is scheduled again while it has retries", async () => {
  const { id } = await makeRun({ empirical_policy: { retries: 1, retry_delay: 0 } });
  await setState(id, { type: "RUNNING" });
  expect((await setState(id, { type: "FAILED", message: "no" })).json).toMatchObject({
    status: "REJECT",
    state: { name: "AwaitingRetry", message: "no" },
  });
  await setState(id, { type: "RUNNING" });
  expect((await setState(id, { type: "FAILED" })).json).toMatchObject({ status: "ACCEPT" });
});

test("the same idempotency key makes one run", async () => {
  const one = await makeRun({ idempotency_key: "k" });
  expect((await makeRun({ idempotency_key: "k" })).id).toBe(one.id);
});

test("the same keys make one task run", async () => {
  const { id } = await makeRun();
  const body = { flow_run_id: id, task_key: "t", dynamic_key: "0", state: { type: "PENDING" } };
  const first = await call("POST", "/task_runs/", body);
  expect(first.status).toBe(201);
  expect(await call("POST", "/task_runs/", body)).toMatchObject({ status: 200, json: { id: first.json.id } });
});

test("a subflow's state is its tracking task run's, which names it", async () => {
  const parent = await makeRun();
  const dummy = await call("POST", "/task_runs/", {
    flow_run_id: parent.id,
    task_key: "child",
    dynamic_key: "0",
    state: { type: "PENDING" },
  });
  const child = await makeRun({ parent_task_run_id: dummy.json.id });
  await setState(child.id, { type: "RUNNING" });
  await setState(child.id, { type: "COMPLETED" });
  expect((await call("GET", `/task_runs/${dummy.json.id}`)).json).toMatchObject({
    state_type: "COMPLETED",
    state: { state_details: { child_flow_run_id: child.id } },
  });
  const found = await call("POST", "/flow_runs/filter", { flow_runs: { parent_flow_run_id: { any_: [parent.id] } } });
  expect(ids(found.json)).toEqual([child.id]);
  expect((await call("POST", "/flow_runs/count", { flow_runs: { parent_task_run_id: { is_null_: true } } })).json).toBe(
    1,
  );
});

test("a cancel reaches the owner of the run at once, or ends the run when its owner is gone", async () => {
  const [processId, kept, lost] = [newId(1e15), newId(1e15), newId(1e15)];
  const record = (id: string) => ({
    kind: "flow",
    id,
    base: 0,
    transitions: [["RUNNING", "Running", 1e15]],
    run: { name: "r", flow_name: "f", parameters: {} },
  });
  await call("POST", "/sluice/processes", {
    id: processId,
    pid: process.pid,
    hostname: "elsewhere",
    boot_id: "b",
    start_ticks: null,
  });
  await call("POST", "/sluice/run-records", { process_id: processId, records: [record(kept)] });
  await call("POST", "/sluice/run-records", { process_id: newId(1e15), records: [record(lost)] });
  const heard = call("POST", `/sluice/processes/${processId}/renew`, { wait_seconds: 20 });
  expect((await setState(kept, { type: "CANCELLING" })).json).toMatchObject({
    status: "ACCEPT",
    state: { type: "CANCELLING" },
  });
  expect((await heard).json).toEqual({ cancelling: [kept] });
  expect((await setState(lost, { type: "CANCELLING" })).json).toMatchObject({
    status: "REJECT",
    state: { type: "CANCELLED" },
  });
});

test("filters combine, page and sort", async () => {
  const [a, b, c] = [
    await makeRun({ name: "alpha", tags: ["x"] }),
    await makeRun({ name: "beta", tags: ["x", "y"] }),
    await makeRun({ name: "100%" }),
  ];
  await setState(b.id, { type: "RUNNING" });
  const find = async (flow_runs: object, rest: object = {}) =>
    ids((await call("POST", "/flow_runs/filter", { flow_runs, sort: "NAME_ASC", ...rest })).json);
  expect(await find({ tags: { all_: ["x"] } })).toEqual([a.id, b.id]);
  expect(await find({ tags: { all_: ["x", "y"] } })).toEqual([b.id]);
  expect(await find({ tags: { is_null_: true } })).toEqual([c.id]);
  expect(await find({ name: { like_: "LPH" } })).toEqual([a.id]);
  expect(await find({ name: { like_: "l_h%" } })).toEqual([a.id]);
  expect(await find({ name: { like_: "a".repeat(100_000) } })).toEqual([]);
  expect(await find({ operator: "or_", name: { any_: ["alpha"] }, state: { type: { any_: ["RUNNING"] } } })).toEqual([
    a.id,
    b.id,
  ]);
  expect(await find({}, { limit: 1, offset: 1 })).toEqual([a.id]);
  expect(
    await find(
      { end_time: { is_null_: true }, start_time: { after_: "2000-01-01T00:00:00" } },
      { flows: { name: { any_: ["etl"] } } },
    ),
  ).toHaveLength(3);
});

test("what does not have the contract's shape is refused with its place", async () => {
  expect(await call("POST", "/flow_runs/filter", { offset: -1 })).toMatchObject({
    status: 422,
    json: { exception_detail: [{ loc: ["body", "offset"] }], request_body: { offset: -1 } },
  });
  expect((await call("POST", "/flows/", { name: "a/b" })).status).toBe(422);
  expect((await call("POST", "/flows/", { name: "a\0b" })).status).toBe(422);
  expect((await call("POST", "/flows/", { name: "\ud800" })).status).toBe(422);
  expect((await call("GET", "/flow_runs/not-an-id")).status).toBe(404);
  expect((await core.handle({ method: "POST", path: "/api/flows/", body: "[".repeat(500_000) })).status).toBe(422);
});

test("an artifact is read by id, and by its key as the latest", async () => {
  const first = await call("POST", "/artifacts/", { key: "report", type: "table", data: [1] });
  const second = await call("POST", "/artifacts/", { key: "report", type: "table", data: [2] });
  expect((await call("GET", `/artifacts/${first.json.id}`)).json["data"]).toEqual([1]);
  expect((await call("GET", "/artifacts/report/latest")).json["data"]).toEqual([2]);
  expect((await call("POST", "/artifacts/latest/filter", {})).json).toMatchObject([
    { key: "report", latest_id: second.json.id },
  ]);
  await call("DELETE", `/artifacts/${second.json.id}`);
  expect((await call("GET", "/artifacts/report/latest")).json["data"]).toEqual([1]);
});

test.each([
  ["NAME_ASC", ["a", "b", "c", "d"]],
  ["NAME_DESC", ["d", "c", "b", "a"]],
  ["END_TIME_DESC", ["b", "d", "c", "a"]],
])("runs are listed by %s, ties by the order of their making, page by page", async (sort, names) => {
  const made = new Map<string, string>();
  for (const name of ["a", "b", "c", "d"]) made.set(name, (await makeRun({ name })).id);
  for (const name of ["d", "b"]) await setState(made.get(name) ?? "", { type: "COMPLETED" }, true);
  const listed: string[] = [];
  for (const offset of [0, 2]) {
    const page = await call("POST", "/flow_runs/filter", { sort, limit: 2, offset });
    listed.push(...(page.json as unknown as { name: string }[]).map(({ name }) => name));
  }
  expect(listed).toEqual(names);
});

test("artifacts are found by their task runs, and by their flow runs", async () => {
  const run = await makeRun();
  const made: string[] = [];
  const tasks: string[] = [];
  for (const dynamic_key of ["0", "1"]) {
    const task = await call("POST", "/task_runs/", { flow_run_id: run.id, task_key: "t", dynamic_key });
    const ofTask = { key: `of-${dynamic_key}`, flow_run_id: run.id, task_run_id: task.json.id };
    made.push((await call("POST", "/artifacts/", ofTask)).json.id);
    tasks.push(task.json.id);
  }
  await call("POST", "/artifacts/", { key: "of-nobody" });
  const byTask = { task_runs: { id: { any_: tasks.slice(0, 1) } } };
  const byRun = { flow_runs: { id: { any_: [run.id] } } };
  expect(ids((await call("POST", "/artifacts/filter", byTask)).json)).toEqual(made.slice(0, 1));
  expect((await call("POST", "/artifacts/filter", byRun)).json).toHaveLength(2);
  expect((await call("POST", "/artifacts/filter", { ...byTask, ...byRun })).json).toHaveLength(1);
  expect((await call("POST", "/artifacts/count", byTask)).json).toBe(1);
  expect((await call("POST", "/artifacts/latest/filter", byTask)).json).toHaveLength(1);
  expect((await call("POST", "/artifacts/latest/count", byRun)).json).toBe(2);
});

test.each(["", " ", "' ' ", '""'])("a work pool must have more of a name than <%s>", async (name) => {
  const { status, json } = await call("POST", "/work_pools/", { name, type: "process" });
  expect(status).toBe(422);
  expect(json["exception_detail"]).toMatchObject([{ loc: ["body", "name"] }]);
});

test("the tree nests flow runs and counts task runs per task", async () => {
  const [root, child, tracking] = [newId(1e15), newId(1e15), newId(1e15)];
  const done = [
    ["RUNNING", "Running", 1e15],
    ["COMPLETED", "Completed", 1e15 + 2e6],
  ];
  const run = { name: "r", flow_name: "f", parameters: {} };
  const parent_task_run = { id: tracking, name: "f-0", flow_run_id: root, task_key: "f", dynamic_key: "0" };
  const task = { name: "t-0", flow_run_id: child, task_key: "t-0a1b2c3d", dynamic_key: "0" };
  const records = [
    { kind: "flow", id: root, base: 0, transitions: [["RUNNING", "Running", 1e15]], run },
    { kind: "flow", id: child, base: 0, transitions: done, run: { ...run, parent_task_run } },
    ...Array.from({ length: 3 }, () => ({ kind: "task", id: newId(1e15), base: 0, transitions: done, run: task })),
  ];
  expect((await call("POST", "/sluice/run-records", { process_id: newId(1e15), records })).json).toEqual({
    verdicts: [],
  });
  const { json } = await call("GET", `/sluice/flow_runs/${root}/tree`);
  expect(json["root"]).toMatchObject({
    id: root,
    state_type: "RUNNING",
    tasks: [],
    flow_runs: [
      { id: child, state_type: "COMPLETED", tasks: [{ name: "t", counts: { COMPLETED: 3 }, total_run_time: 6 }] },
    ],
  });
  expect((await call("GET", `/sluice/flow_runs/${root}/tree?max_flow_runs=1`)).json["root"]).toMatchObject({
    flow_runs: [],
    omitted_flow_runs: { COMPLETED: 1 },
  });
});

test("a deleted flow run takes its task runs and logs with it", async () => {
  const { id } = await makeRun();
  await call("POST", "/task_runs/", { flow_run_id: id, task_key: "t", dynamic_key: "0" });
  await call("POST", "/logs/", [
    { name: "l", level: 20, message: "m", timestamp: "2026-01-01T00:00:00Z", flow_run_id: id },
  ]);
  expect((await call("DELETE", `/flow_runs/${id}`)).status).toBe(204);
  expect((await call("GET", `/flow_runs/${id}`)).status).toBe(404);
  expect((await call("POST", "/task_runs/count", {})).json).toBe(0);
  expect((await call("POST", "/logs/filter", {})).json).toEqual([]);
});

test.each(["alone", "with others"])("a flow that is deleted %s takes its runs and deployments with it", async (how) => {
  const run = await makeRun();
  const flowId = run["flow_id"];
  const deployment = (await call("POST", "/deployments/", { flow_id: flowId, name: "nightly" })).json.id;
  const scheduled = (await call("POST", `/deployments/${deployment}/create_flow_run`, {})).json.id;
  const task = (await call("POST", "/task_runs/", { flow_run_id: run.id, task_key: "t", dynamic_key: "0" })).json.id;
  const other = await call("POST", "/flows/", { name: "other" });
  const kept = (await makeRun({ flow_id: other.json.id })).id;
  if (how === "alone") expect((await call("DELETE", `/flows/${String(flowId)}`)).status).toBe(204);
  else
    expect(await call("POST", "/flows/bulk_delete", { flows: { id: { any_: [flowId] } } })).toEqual({
      status: 200,
      json: { deleted: [flowId] },
    });
  for (const path of [`/flow_runs/${run.id}`, `/flow_runs/${scheduled}`, `/deployments/${deployment}`])
    expect((await call("GET", path)).status, path).toBe(404);
  await expect.poll(async () => (await call("GET", `/task_runs/${task}`)).status).toBe(404);
  expect((await call("GET", `/flow_runs/${kept}`)).status).toBe(200);
  expect((await call("DELETE", `/flows/${String(flowId)}`)).status).toBe(404);
});

test("parameters that are too large are refused wherever they would be stored", async () => {
  const run = await makeRun();
  const flow_id = run["flow_id"];
  const deployment = (await call("POST", "/deployments/", { flow_id, name: "nightly" })).json.id;
  // Six bytes each, as Prefect counts.
  const parameters = { text: "é".repeat(90_000) };
  const bodies = [
    ["POST", "/flow_runs/", { flow_id, parameters }],
    ["PATCH", `/flow_runs/${run.id}`, { parameters }],
    ["POST", "/deployments/", { flow_id, name: "large", parameters }],
    ["PATCH", `/deployments/${deployment}`, { parameters }],
    ["POST", `/deployments/${deployment}/create_flow_run`, { parameters }],
  ] as const;
  for (const [method, path, body] of bodies) {
    const answer = await call(method, path, body);
    expect(answer.status, path).toBe(422);
    expect(answer.json["exception_detail"]).toMatchObject([
      {
        loc: ["body", "parameters"],
        msg: expect.stringContaining("less than 524,288 bytes when serialized (got 540,011 bytes)"),
      },
    ]);
  }
  expect((await call("POST", "/flow_runs/", { flow_id, parameters: { text: "e".repeat(500_000) } })).status).toBe(201);
});

test("a testing server is emptied on request, another one is not", async () => {
  await makeRun();
  expect((await call("POST", "/sluice/testing/reset")).status).toBe(204);
  expect((await call("POST", "/flow_runs/count", {})).json).toBe(0);
  const strict = ServerCore.open({ databaseFile: join(folder, "strict.db") });
  expect((await strict.handle({ method: "POST", path: "/api/sluice/testing/reset" })).status).toBe(404);
  await strict.close();
});
