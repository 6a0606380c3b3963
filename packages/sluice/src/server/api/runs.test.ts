import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";

/* What is expected here was asked of prefect 3.8.8. */

const NOBODY = "00000000-0000-0000-0000-000000000000";
const CONFLICT =
  "Data integrity conflict. This usually means a unique or foreign key constraint was violated. See server logs for details.";
let folder: string;
let core: ServerCore;
let flow: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-runs-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db") });
  flow = (await post("/flows/", { name: "etl", labels: { a: "flow", n: 1 } }, 201)).id;
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

/** A body of any shape, as a client sees it. */
type Body = Record<string, unknown> & { readonly id: string };
async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: Body; text: string }> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await core.handle({ method, path: `/api${path}`, ...sent });
  const isJson = answer.body !== "" && !answer.headers?.["content-type"]?.startsWith("text/");
  return { status: answer.status, json: (isJson ? JSON.parse(answer.body) : {}) as Body, text: answer.body };
}
async function post(path: string, body: unknown, status: number): Promise<Body> {
  const answer = await call("POST", path, body);
  expect(answer.status, answer.text).toBe(status);
  return answer.json;
}
const get = async (path: string): Promise<Body> => (await call("GET", path)).json;
const flowRun = async (rest: object = {}) => (await post("/flow_runs/", { flow_id: flow, ...rest }, 201)).id;
const taskRun = async (rest: object = {}) =>
  (await post("/task_runs/", { task_key: "t", dynamic_key: newId(1), ...rest }, 201)).id;
const setState = (id: string, state: object, noun = "flow_runs") => call("POST", `/${noun}/${id}/set_state`, { state });

describe("a flow run", () => {
  test("is made with the labels of its flow, a whole policy and a name", async () => {
    const policy = { max_retries: 3, retry_delay_seconds: 2, pause_keys: ["a", "a"] };
    const body = { flow_id: flow, name: "", labels: { a: "run" }, empirical_policy: policy };
    expect(await post("/flow_runs/", body, 201)).toMatchObject({
      name: expect.stringMatching(/^[a-z]+-[a-z]+/),
      labels: { a: "run", n: 1, "prefect.flow.id": flow },
      empirical_policy: { ...policy, retries: 3, retry_delay: 2, pause_keys: ["a"], resuming: false, retry_type: null },
      state_type: "PENDING",
      job_variables: {},
      tags: [],
    });
  });

  test("of a key that is known is the one that is there", async () => {
    const first = await post("/flow_runs/", { flow_id: flow, idempotency_key: "k" }, 201);
    const second = await post("/flow_runs/", { flow_id: flow, idempotency_key: "k", name: "other" }, 200);
    expect([second.id, second["name"], second["job_variables"]]).toEqual([first.id, first["name"], null]);
  });

  test.each([
    [{ flow_id: NOBODY }, 409, CONFLICT],
    [{ parent_task_run_id: NOBODY }, 409, CONFLICT],
    [{ infrastructure_document_id: NOBODY }, 409, CONFLICT],
    [{ work_pool_name: "none" }, 404, 'Work pool "none" not found.'],
  ])("with %j is refused", async (rest, status, detail) => {
    expect(await post("/flow_runs/", { flow_id: flow, ...rest }, status)).toEqual({ detail });
  });

  test("goes to the queue of a work pool, its default one unless another is named", async () => {
    await post("/work_pools/", { name: "pool", type: "process" }, 201);
    const run = await post("/flow_runs/", { flow_id: flow, work_pool_name: "pool" }, 201);
    expect([run["work_queue_name"], run["work_pool_name"]]).toEqual(["default", "pool"]);
    const lost = { flow_id: flow, work_pool_name: "pool", work_queue_name: "none" };
    expect(await post("/flow_runs/", lost, 404)).toEqual({ detail: "Work pool queue 'pool/none' not found." });
  });

  test("is changed in what a client may change; a policy is replaced whole", async () => {
    const id = await flowRun({ empirical_policy: { retries: 2 } });
    const change = { name: "new", infrastructure_pid: "p", tags: ["z"], empirical_policy: { retry_delay: 5 } };
    expect((await call("PATCH", `/flow_runs/${id}`, change)).status).toBe(204);
    expect((await call("PATCH", `/flow_runs/${id}/labels`, { a: "x", b: true })).status).toBe(204);
    const run = await get(`/flow_runs/${id}`);
    expect(run).toMatchObject({ name: "new", infrastructure_pid: "p", tags: ["z"], labels: { a: "x", n: 1, b: true } });
    expect(run["empirical_policy"]).toMatchObject({ retries: null, retry_delay: 5 });
  });

  test("takes job variables only while it is scheduled and of a deployment", async () => {
    const [pending, loose] = [await flowRun(), await flowRun({ state: { type: "SCHEDULED" } })];
    const change = (id: string) => call("PATCH", `/flow_runs/${id}`, { job_variables: { a: 1 } });
    expect((await change(pending)).json).toEqual({
      detail: "Job variables for a flow run in state PENDING cannot be updated",
    });
    expect((await change(loose)).json).toEqual({ detail: "A deployment for the flow run could not be found" });
    expect((await change(NOBODY)).status).toBe(404);
  });

  test("that is not there is told in the words of each operation", async () => {
    const unknown = { exception_message: `Flow run with id ${NOBODY} not found` };
    expect((await call("GET", `/flow_runs/${NOBODY}`)).json).toEqual({ detail: "Flow run not found" });
    expect((await setState(NOBODY, { type: "RUNNING" })).json).toEqual(unknown);
    expect((await call("PATCH", `/flow_runs/${NOBODY}/labels`, { a: 1 })).json).toEqual(unknown);
    expect((await call("GET", `/flow_runs/${NOBODY}/graph`)).json).toEqual(unknown);
  });

  test("keeps of a state's details those that states have", async () => {
    const id = await flowRun();
    const state_details = { nonsense: 1, cache_key: "c", refresh_cache: false, deferred: false, transition_id: NOBODY };
    const { json } = await setState(id, { type: "RUNNING", state_details });
    const { state_details: details } = json["state"] as { state_details: object };
    expect(details).toMatchObject({ cache_key: "c", refresh_cache: false, transition_id: NOBODY, flow_run_id: id });
    expect(details).not.toHaveProperty("nonsense");
  });

  test("is deleted with its inputs and its slots", async () => {
    const id = await flowRun();
    await post(`/flow_runs/${id}/input`, { key: "k", value: "v" }, 201);
    expect((await call("DELETE", `/flow_runs/${id}`)).status).toBe(204);
    expect((await call("DELETE", `/flow_runs/${id}`)).json).toEqual({ detail: "Flow run not found" });
    expect((await call("GET", `/flow_runs/${id}/input/k`)).status).toBe(404);
  });

  test("is moved and deleted among others, at most 50 at a time", async () => {
    const ids = [await flowRun({ tags: ["x"] }), await flowRun({ tags: ["x"] })];
    const flow_runs = { tags: { all_: ["x"] } };
    const moved = await post("/flow_runs/bulk_set_state", { flow_runs, state: { type: "CANCELLED" } }, 200);
    // Ids of one millisecond are in no order.
    const newestFirst = ids.toSorted().toReversed();
    expect(moved["results"]).toMatchObject(newestFirst.map((id) => ({ flow_run_id: id, status: "ACCEPT" })));
    const again = await post("/flow_runs/bulk_set_state", { flow_runs, state: { type: "PAUSED" } }, 200);
    expect(again["results"]).toMatchObject([{ status: "ABORT" }, { status: "ABORT" }]);
    expect(await post("/flow_runs/bulk_delete", { flow_runs }, 200)).toEqual({ deleted: newestFirst });
    expect((await call("POST", "/flow_runs/bulk_delete", { limit: 51 })).status).toBe(422);
  });
});

describe("the inputs of a flow run", () => {
  test("are sent once under a key, found by prefix, read as text and taken away", async () => {
    const id = await flowRun();
    const path = `/flow_runs/${id}/input`;
    await post(path, { key: "a-1", value: '"v"', sender: "s" }, 201);
    await post(path, { key: "a-2", value: "ü" }, 201);
    expect(await post(path, { key: "a-1", value: "w" }, 409)).toEqual({
      detail: "A flow run input with this key already exists.",
    });
    expect(await post(`${path}/filter`, { prefix: "a" }, 200)).toMatchObject([
      { key: "a-1", value: '"v"', sender: "s" },
    ]);
    expect(await post(`${path}/filter`, { prefix: "a", limit: 5, exclude_keys: ["a-1"] }, 200)).toMatchObject([
      { key: "a-2", value: "ü", sender: null },
    ]);
    expect((await call("GET", `${path}/a-1`)).text).toBe('"v"');
    expect((await call("DELETE", `${path}/a-1`)).status).toBe(204);
    expect((await call("DELETE", `${path}/a-1`)).json).toEqual({ detail: "Flow run input not found" });
  });

  test("are refused for a run that is not there, and under a key with odd characters", async () => {
    await post(`/flow_runs/${NOBODY}/input`, { key: "k", value: "v" }, 404);
    await post(`/flow_runs/${await flowRun()}/input`, { key: "a b", value: "v" }, 422);
  });
});

describe("a paused flow run", () => {
  const schema = { type: "object", properties: { x: { type: "integer" } }, required: ["x"] };
  async function pausedRun(details: object = {}, stored: string | null = JSON.stringify(schema)): Promise<string> {
    const id = await flowRun({ state: { type: "RUNNING" } });
    const run_input_keyset = { schema: "p-schema", response: "p-response", description: "p-description" };
    await setState(id, { type: "PAUSED", state_details: { pause_key: "p", run_input_keyset, ...details } });
    if (stored !== null) await post(`/flow_runs/${id}/input`, { key: "p-schema", value: stored }, 201);
    return id;
  }
  const resume = async (id: string, run_input?: unknown) => {
    const { status, json } = await call("POST", `/flow_runs/${id}/resume`, { run_input });
    const { reason } = json["details"] as { reason?: string };
    return [status, json["status"], reason];
  };

  test("goes on with an input that fits, which is stored", async () => {
    const id = await pausedRun();
    expect(await resume(id, { x: { __prefect_kind: "json", value: "3" } })).toEqual([201, "ACCEPT", undefined]);
    expect((await get(`/flow_runs/${id}`))["state_type"]).toBe("RUNNING");
    expect((await call("GET", `/flow_runs/${id}/input/p-response`)).text).toBe('{"x":3}');
    expect(await resume(id, { x: 1 })).toEqual([200, "ABORT", "Cannot resume a flow run that is not paused."]);
  });

  test.each([
    [{ x: "s" }, "Reason: Validation failed for field 'x'. Failure reason: 's' is not of type 'integer'"],
    [{}, "Reason: Validation failed. Failure reason: 'x' is a required property"],
    [
      { x: { __prefect_kind: "workspace_variable", variable_name: "none" } },
      "Error hydrating run input: Variable 'none' not found in workspace.",
    ],
  ])("stays where it is when %j is given", async (input, reason) => {
    const id = await pausedRun();
    expect(await resume(id, input)).toEqual([200, "REJECT", reason]);
    expect((await get(`/flow_runs/${id}`))["state_type"]).toBe("PAUSED");
  });

  test("whose schema is missing or no JSON cannot go on", async () => {
    expect(await resume(await pausedRun({}, null), { x: 1 })).toEqual([200, "REJECT", "Run input schema not found."]);
    const broken = await pausedRun({}, "{no");
    expect(await resume(broken, { x: 1 })).toEqual([200, "REJECT", "Run input schema is not valid JSON."]);
  });

  test("whose time is up fails instead", async () => {
    const id = await pausedRun({ run_input_keyset: null, pause_timeout: "2020-01-01T00:00:00Z" });
    const reason = "The flow run pause has timed out and can no longer resume.";
    expect(await resume(id)).toEqual([201, "REJECT", reason]);
    expect((await get(`/flow_runs/${id}`))["state_type"]).toBe("FAILED");
  });

  test("that was suspended is scheduled again, and its next start does not count as another run", async () => {
    const id = await flowRun({ deployment_id: NOBODY, state: { type: "RUNNING" } });
    await setState(id, { type: "PAUSED", name: "Suspended", state_details: { pause_reschedule: true } });
    await resume(id);
    expect((await get(`/flow_runs/${id}`))["state_name"]).toBe("Resuming");
    await setState(id, { type: "RUNNING" });
    expect((await get(`/flow_runs/${id}`))["run_count"]).toBe(1);
  });
});

describe("a task run", () => {
  test("has the labels of its flow run and a whole policy; of known keys it is the one that is there", async () => {
    const flow_run_id = await flowRun({ labels: { l: "m" } });
    const body = {
      flow_run_id,
      task_key: "k",
      dynamic_key: "0",
      labels: { z: 1 },
      empirical_policy: { max_retries: 2 },
    };
    const first = await post("/task_runs/", body, 201);
    expect(first).toMatchObject({
      labels: { a: "flow", l: "m", z: 1, "prefect.flow.id": flow, "prefect.flow-run.id": flow_run_id },
      empirical_policy: { max_retries: 2, retries: 2, retry_delay: null, retry_jitter_factor: null },
      state_name: "Pending",
    });
    expect((await post("/task_runs/", { ...body, name: "other" }, 200)).id).toBe(first.id);
    const loose = { task_key: "k", dynamic_key: "0" };
    expect((await post("/task_runs/", loose, 201)).id).not.toBe(first.id);
    await post("/task_runs/", loose, 200);
  });

  test("of an unknown flow run, or under the id of another, is refused", async () => {
    const keys = { task_key: "k", dynamic_key: "0" };
    expect(await post("/task_runs/", { ...keys, flow_run_id: NOBODY }, 409)).toEqual({ detail: CONFLICT });
    expect(await post("/task_runs/", { ...keys, id: await taskRun() }, 409)).toEqual({ detail: CONFLICT });
  });

  test.each([
    [{ cache_key: "x".repeat(2001) }, "Value error, Cache key exceeded maximum allowed length of 2000 characters."],
    [
      { empirical_policy: { retry_delay: Array.from({ length: 51 }, () => 1) } },
      "Value error, Can not configure more than 50 retry delays per task.",
    ],
    [{ empirical_policy: { retry_jitter_factor: -1 } }, "Value error, `retry_jitter_factor` must be >= 0."],
  ])("with too much is refused", async (rest, msg) => {
    const refused = await post("/task_runs/", { task_key: "k", dynamic_key: "0", ...rest }, 422);
    expect(refused["exception_detail"]).toMatchObject([{ type: "value_error", msg }]);
  });

  test("takes the newest state that is kept under its key and has not expired", async () => {
    const state = (cache_key: string, rest: object = {}) => ({ state_details: { cache_key, ...rest } });
    const [first, second, third] = [await taskRun(), await taskRun(), await taskRun()];
    const data = { type: "reference", storage_key: "s" };
    await setState(first, { type: "COMPLETED", message: "kept", data, ...state("key") }, "task_runs");
    const expired = state("key", { cache_expiration: "2020-01-01T00:00:00Z" });
    await setState(second, { type: "COMPLETED", message: "old", ...expired }, "task_runs");
    const { status, json } = await setState(third, { type: "RUNNING", ...state("key") }, "task_runs");
    expect([status, json["status"]]).toEqual([201, "REJECT"]);
    expect(json["state"]).toMatchObject({ type: "COMPLETED", name: "Cached", message: "kept", data });
    const again = await setState(
      await taskRun(),
      { type: "RUNNING", ...state("key", { refresh_cache: true }) },
      "task_runs",
    );
    expect(again.json["status"]).toBe("ACCEPT");
  });

  test("waits for a slot of its tag and gives it back", async () => {
    await post("/concurrency_limits/", { tag: "busy", concurrency_limit: 1 }, 201);
    const [one, other] = [await taskRun({ tags: ["busy"] }), await taskRun({ tags: ["busy"] })];
    expect((await setState(one, { type: "RUNNING" }, "task_runs")).json["status"]).toBe("ACCEPT");
    const refused = (await setState(other, { type: "RUNNING" }, "task_runs")).json;
    expect(refused).toMatchObject({ status: "WAIT", details: { reason: "Concurrency limit reached for tags: busy" } });
    expect((await get("/concurrency_limits/tag/busy"))["active_slots"]).toEqual([one]);
    expect((await call("DELETE", `/task_runs/${one}`)).status).toBe(204);
    expect((await setState(other, { type: "RUNNING" }, "task_runs")).json["status"]).toBe("ACCEPT");
  });

  test("of a subflow shows the subflow's states, and its own from before without the child", async () => {
    const parent = await flowRun({ state: { type: "RUNNING" } });
    const tracking = await taskRun({ flow_run_id: parent });
    const child = await flowRun({ parent_task_run_id: tracking });
    await setState(child, { type: "RUNNING" });
    const states = (await get(`/task_run_states/?task_run_id=${tracking}`)) as unknown as {
      name: string;
      state_details: { child_flow_run_id: string | null };
    }[];
    expect(states.map(({ name, state_details }) => [name, state_details.child_flow_run_id])).toEqual([
      ["Pending", null],
      ["Pending", child],
      ["Running", child],
    ]);
  });
});

describe("a state", () => {
  test("is found by its id, with the log of events and without it", async () => {
    const [run, task] = [await flowRun(), await taskRun()];
    for (let no = 0; no < 50; no++) await flowRun();
    await setState(run, { type: "RUNNING" });
    for (const [noun, id] of [
      ["flow_run", run],
      ["task_run", task],
    ] as const) {
      const states = (await get(`/${noun}_states/?${noun}_id=${id}`)) as unknown as Body[];
      for (const state of states) expect(await get(`/${noun}_states/${state.id}`)).toEqual(state);
      await core.store.write(() => core.store.statement("DELETE FROM event").run());
      for (const state of states) expect(await get(`/${noun}_states/${state.id}`)).toEqual(state);
      expect((await call("GET", `/${noun}_states/${NOBODY}`)).json).toEqual({ detail: "Flow run state not found" });
    }
  });
});
