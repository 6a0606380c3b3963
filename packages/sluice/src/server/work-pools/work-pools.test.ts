import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { microsToIso } from "../../wire/timestamp.ts";
import { ServerCore } from "../server-core.ts";
import { foreman } from "../services/foreman.ts";

let folder: string;
let core: ServerCore;
let now = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-pools-"));
  now = 1_700_000_000_000_000;
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), nowUs: () => (now += 1) });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function call(method: string, path: string, body?: unknown) {
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await core.handle({ method, path: `/api${path}`, ...text });
  // Each test knows the shape of what it asks for.
  return { status: answer.status, json: answer.body === "" ? null : JSON.parse(answer.body) };
}

async function priorities(): Promise<[string, number][]> {
  const { json } = await call("POST", "/work_pools/pool/queues/filter", {});
  return json.map(({ name, priority }: { name: string; priority: number }) => [name, priority]);
}

/** Makes a scheduled run in a queue. */
async function schedule(queue: string, name: string, afterSeconds: number): Promise<void> {
  const flow = await call("POST", "/flows/", { name: "f" });
  const found = await call("GET", `/work_pools/pool/queues/${queue}`);
  const state_details = { scheduled_time: microsToIso(now + afterSeconds * 1e6) };
  const run = await call("POST", "/flow_runs/", {
    flow_id: flow.json.id,
    name,
    state: { type: "SCHEDULED", state_details },
  });
  await core.store.write(() =>
    core.store.flowRuns.patch(run.json.id, { work_queue_id: found.json.id, work_queue_name: queue }),
  );
}

async function waiting(body: object = {}): Promise<string[]> {
  const { json } = await call("POST", "/work_pools/pool/get_scheduled_flow_runs", body);
  return json.map(({ flow_run }: { flow_run: { name: string } }) => flow_run.name);
}

test("priorities stay different, and move no further than needed", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  await call("POST", "/work_pools/pool/queues", { name: "first", priority: 1 });
  await call("POST", "/work_pools/pool/queues", { name: "far", priority: 10 });
  expect(await priorities()).toEqual([
    ["first", 1],
    ["default", 2],
    ["far", 10],
  ]);
  await call("POST", "/work_pools/pool/queues", { name: "gap" });
  await call("PATCH", "/work_pools/pool/queues/far", { priority: 2 });
  expect(await priorities()).toEqual([
    ["first", 1],
    ["far", 2],
    ["default", 3],
    ["gap", 4],
  ]);
});

test("runs come in the order of queues and times, as many as the limits have room for", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process", concurrency_limit: 3 });
  await call("POST", "/work_pools/pool/queues", { name: "urgent", priority: 1, concurrency_limit: 2 });
  await schedule("default", "plain", 0);
  await schedule("urgent", "later", 20);
  await schedule("urgent", "soon", 10);
  await schedule("urgent", "third", 30);
  expect(await waiting()).toEqual(["soon", "later", "plain"]);
  expect(await waiting({ scheduled_before: microsToIso(now + 15e6) })).toEqual(["soon", "plain"]);
  expect(await waiting({ limit: 1 })).toEqual(["soon"]);
  await call("PATCH", "/work_pools/pool/queues/urgent", { is_paused: true });
  expect(await waiting()).toEqual(["plain"]);
  await call("PATCH", "/work_pools/pool", { is_paused: true });
  expect(await waiting()).toEqual([]);
});

test("a pool is ready while a worker lives, and each change is told once", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  await call("POST", "/work_pools/pool/workers/heartbeat", { name: "w", heartbeat_interval_seconds: 10 });
  expect((await call("GET", "/work_pools/pool")).json.status).toBe("READY");
  now += 29e6;
  await foreman.run(core);
  expect((await call("GET", "/work_pools/pool")).json.status).toBe("READY");
  now += 2e6;
  await foreman.run(core);
  await foreman.run(core);
  expect((await call("GET", "/work_pools/pool")).json.status).toBe("NOT_READY");
  expect((await call("POST", "/work_pools/pool/workers/filter", {})).json[0].status).toBe("OFFLINE");
  const told = core.store.query("SELECT event FROM event WHERE event LIKE 'prefect.work-pool.%ready' ORDER BY no", []);
  expect(told.map(({ event }) => event)).toEqual([
    "prefect.work-pool.not-ready",
    "prefect.work-pool.ready",
    "prefect.work-pool.not-ready",
  ]);
});

test("a queue that is polled is ready until nobody polls it any more", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  await waiting();
  expect((await call("GET", "/work_pools/pool/queues/default")).json.status).toBe("READY");
  now += 61e6;
  await foreman.run(core);
  expect((await call("GET", "/work_pools/pool/queues/default")).json.status).toBe("NOT_READY");
});

test("a pool's default queue cannot be deleted, a pool takes its queues along", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  expect((await call("DELETE", "/work_pools/pool/queues/default")).status).toBe(409);
  const { json } = await call("GET", "/work_pools/pool/queues/default");
  await call("DELETE", "/work_pools/pool");
  expect((await call("GET", `/work_queues/${json.id}`)).status).toBe(404);
});

test("a web page that looks at a queue does not poll it", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  const { json } = await call("GET", "/work_pools/pool/queues/default");
  const path = `/api/work_queues/${json.id}/get_runs`;
  await core.handle({ method: "POST", path, body: "{}", isPage: true });
  expect((await call("GET", `/work_queues/${json.id}`)).json.last_polled).toBeNull();
  await core.handle({ method: "POST", path, body: "{}" });
  expect((await call("GET", `/work_queues/${json.id}`)).json).toMatchObject({ status: "READY" });
});

test("a run that its own process tries again is given to no worker", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  await schedule("default", "retried", 0);
  await schedule("default", "plain", 1);
  const [{ id }] = core.store.query("SELECT id FROM flow_run WHERE name = 'retried'", []) as [{ id: string }];
  await core.store.write(() => core.store.flowRuns.patch(id, { empirical_policy: '{"retry_type":"in_process"}' }));
  expect(await waiting()).toEqual(["plain"]);
});

test("an old queue with a filter finds its runs by tags and deployments", async () => {
  const queue = await call("POST", "/work_queues/", { name: "tagged", filter: { tags: ["a"] }, concurrency_limit: 1 });
  const flow = await call("POST", "/flows/", { name: "f" });
  const deployment = await call("POST", "/deployments/", { name: "d", flow_id: flow.json.id });
  const make = (name: string, tags: string[]) =>
    call("POST", `/deployments/${deployment.json.id}/create_flow_run`, { name, tags, state: { type: "SCHEDULED" } });
  await make("with", ["a", "b"]);
  await make("without", ["b"]);
  const found = async () => (await call("POST", `/work_queues/${queue.json.id}/get_runs`, {})).json;
  const [run, ...others] = await found();
  expect([run.name, others]).toEqual(["with", []]);
  await call("POST", `/flow_runs/${run.id}/set_state`, { state: { type: "PENDING" } });
  await make("waits", ["a"]);
  expect(await found()).toEqual([]);
  expect((await call("GET", `/work_queues/${queue.json.id}`)).json.active_slots).toBe(1);
});

test("what a pool is changed to is told, with what it was before", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  await call("PATCH", "/work_pools/pool", { description: "new", concurrency_limit: 3, is_paused: true });
  const [updated, paused] = core.store
    .query(
      "SELECT body FROM event_row WHERE event IN ('prefect.work-pool.updated', 'prefect.work-pool.paused') ORDER BY no",
      [],
    )
    .map(({ body }) => JSON.parse(String(body)));
  expect(updated.payload).toEqual({
    updated_fields: ["description", "concurrency_limit"],
    updates: { description: { from: null, to: "new" }, concurrency_limit: { from: null, to: 3 } },
  });
  const before = core.store.query("SELECT id FROM event WHERE event = 'prefect.work-pool.not-ready'", []);
  expect(paused.follows).toBe(before[0]?.["id"]);
});

test.each([
  [{ name: "prefect-mine" }, 403, "Work pools starting with 'Prefect' are reserved for internal use."],
  [{ name: "  " }, 422, "name cannot be an empty string"],
  [{ base_job_template: { a: 1 } }, 422, "must contain both a `job_configuration` key and a `variables` key"],
  [template({ type: "string" }, "{{ other }}"), 422, "undeclared variable(s): other."],
  [template({ type: "integer", default: "abc" }), 422, "Validation failed for work pool's job variable defaults"],
  [template({ type: "nonsense" }), 422, "Invalid schema: 'nonsense' is not valid under any of the given schemas"],
  [
    template({ default: { $ref: { block_document_id: "01a21aa5-8b9b-761e-91a4-c39b95954697" } } }),
    404,
    "Block not found.",
  ],
])("a pool %j is refused", async (body, status, reason) => {
  const answer = await call("POST", "/work_pools/", { name: "pool", ...body });
  expect(answer.status).toBe(status);
  expect(JSON.stringify(answer.json)).toContain(reason);
});

/** A template with one variable. */
function template(property: object, use = "{{ n }}") {
  return {
    base_job_template: { job_configuration: { x: use }, variables: { type: "object", properties: { n: property } } },
  };
}

test.each([
  ["/work_pools/pool", { is_paused: null }],
  ["/work_pools/pool", { base_job_template: null }],
  ["/work_pools/pool", { storage_configuration: null }],
  ["/work_pools/pool/queues/default", { name: null }],
  ["/work_pools/pool/queues/default", { name: "taken" }],
  ["/work_pools/pool/queues/default", { priority: null }],
])("%s cannot be changed to %j", async (path, change) => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  await call("POST", "/work_pools/pool/queues", { name: "taken" });
  expect((await call("PATCH", path, change)).status).toBe(409);
});
