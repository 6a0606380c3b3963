import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Event } from "../../wire/contract/shapes.ts";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";

/* What `tests/interop/generated.test.ts` found to be different on prefect 3.8.8. */

let folder: string;
let core: ServerCore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-objects-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db") });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function call(method: string, path: string, body?: unknown) {
  const request = { method, path: `/api${path}`, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await core.handle(request);
  // Looked into by toMatchObject and by id only.
  return { status: answer.status, json: (answer.body === "" ? undefined : JSON.parse(answer.body)) as { id: string } };
}
async function makeFlow(name: string, tags: readonly string[] = []): Promise<string> {
  return (await call("POST", "/flows/", { name, tags })).json.id;
}
async function eventsOf(kind: string): Promise<Event[]> {
  const { json } = await call("POST", "/events/filter", { filter: { event: { prefix: [kind] }, order: "ASC" } });
  return (json as unknown as { events: Event[] }).events;
}

describe("an event tells", () => {
  test("of a flow that is made, changed and deleted", async () => {
    const id = await makeFlow("etl", ["a"]);
    await makeFlow("etl", ["a"]);
    await call("PATCH", `/flows/${id}`, { tags: ["b"] });
    await call("DELETE", `/flows/${id}`);
    const resource = { "prefect.resource.id": `prefect.flow.${id}`, "prefect.resource.name": "etl" };
    expect(await eventsOf("prefect.flow.")).toMatchObject([
      { event: "prefect.flow.created", resource, payload: { name: "etl", tags: ["a"], labels: {} } },
      { event: "prefect.flow.updated", resource, payload: { tags: ["b"] } },
      { event: "prefect.flow.deleted", resource },
    ]);
  });

  test("of a variable that is made, changed and deleted", async () => {
    await call("POST", "/variables/", { name: "rate", value: 1 });
    await call("PATCH", "/variables/name/rate", { value: { a: 2 } });
    await call("DELETE", "/variables/name/rate");
    expect((await eventsOf("prefect.variable.")).map(({ event, payload }) => [event, payload])).toEqual([
      ["prefect.variable.created", { name: "rate", value: 1, tags: [] }],
      ["prefect.variable.updated", { name: "rate", value: { a: 2 }, tags: [] }],
      ["prefect.variable.deleted", { name: "rate", value: { a: 2 }, tags: [] }],
    ]);
  });

  test("of the artifacts under a key, by the latest of them", async () => {
    const make = async (data: string) => (await call("POST", "/artifacts/", { key: "k", type: "text", data })).json.id;
    const [first, second] = [await make("1"), await make("2")];
    await call("DELETE", `/artifacts/${second}`);
    await call("DELETE", `/artifacts/${first}`);
    const told = (await eventsOf("prefect.artifact-collection.")).map(({ event, related, payload }) => [
      event.split(".").at(-1),
      related?.[0]?.["prefect.resource.id"],
      payload?.["data"],
    ]);
    expect(told).toEqual([
      ["created", `prefect.artifact.${first}`, "1"],
      ["updated", `prefect.artifact.${second}`, "2"],
      ["updated", `prefect.artifact.${first}`, "1"],
      ["deleted", `prefect.artifact.${first}`, "1"],
    ]);
  });

  test("nothing of an artifact under the key that is not the latest", async () => {
    const { json } = await call("POST", "/artifacts/", { key: "k", data: "1" });
    await call("POST", "/artifacts/", { key: "k", data: "2" });
    await call("DELETE", `/artifacts/${json.id}`);
    expect(await eventsOf("prefect.artifact-collection.")).toHaveLength(2);
    expect((await call("GET", "/artifacts/k/latest")).json).toMatchObject({ data: "2" });
  });
});

test("a member of a filter is meant as a whole, and one that asks for nothing is true", async () => {
  const id = await makeFlow("one");
  await makeFlow("two");
  const count = async (flows: object) => (await call("POST", "/flows/count", { flows })).json;
  const none = { any_: [newId(0)] };
  expect(await count({ operator: "or_", id: none, name: { any_: ["one"] } })).toBe(1);
  expect(await count({ operator: "or_", id: none, name: {} })).toBe(2);
  expect(await count({ operator: "or_", id: { any_: [id], not_any_: [id] }, name: { any_: ["two"] } })).toBe(1);
  expect(await count({ operator: "or_", id: none, name: null })).toBe(0);
});

test("artifacts are found by the deployment of their run", async () => {
  await call("POST", "/artifacts/", { data: "1" });
  expect((await call("POST", "/artifacts/count", { deployments: {} })).json).toBe(0);
});

const RELATED = [{ "prefect.resource.id": "r" }];
const event = (rest: object) => [
  { id: newId(0), event: "e", occurred: "2026-01-01T00:00:00Z", resource: { "prefect.resource.id": "r" }, ...rest },
];

const nobody = newId(0);
test.each([
  { what: "an artifact's key of other characters", route: "POST /artifacts/", body: { key: "Ä" } },
  { what: "an event without a resource's id", route: "POST /events", body: event({ resource: { "": "" } }) },
  { what: "an event related to something without a role", route: "POST /events", body: event({ related: RELATED }) },
  {
    what: "a policy with a part of a second",
    route: `PATCH /flow_runs/${nobody}`,
    body: { empirical_policy: { retry_delay_seconds: 0.5 } },
  },
  {
    what: "a schedule with more than 50 runs ahead of time",
    route: `PATCH /deployments/${nobody}/schedules/${nobody}`,
    body: { max_scheduled_runs: 51 },
  },
])("$what is refused", async ({ route, body }) => {
  const [method = "", path = ""] = route.split(" ");
  expect((await call(method, path, body)).status).toBe(422);
});

test("a variable does not lose its name or its tags, nor takes the name of another", async () => {
  await call("POST", "/variables/", { name: "known", value: 1 });
  await call("POST", "/variables/", { name: "", value: 1 });
  for (const change of [{ name: null }, { tags: null }, { name: "" }])
    expect((await call("PATCH", "/variables/name/known", change)).status).toBe(409);
});

test.each([
  { what: "a block type with an empty slug", path: "/block_types/", body: { name: "0", slug: "" } },
  { what: "a variable with underscores at its ends", path: "/variables/", body: { name: "_a__", value: 1 } },
  {
    what: "a bound below nothing of a run's inputs",
    path: `/flow_runs/${nobody}/input/filter`,
    body: { prefix: "k", limit: -1 },
  },
  { what: "a bound below nothing of a history", path: "/ui/flow_runs/history", body: { limit: -1 } },
])("$what is taken", async ({ path, body }) => {
  expect((await call("POST", path, body)).status).toBeLessThan(300);
});

test("what a saved search and a task's input do not have is not kept", async () => {
  const filter = { object: "o", property: "p", type: "t", operation: "=", value: 1 };
  const saved = await call("PUT", "/saved_searches/", { name: "s", filters: [{ ...filter, more: true }] });
  expect(saved.json).toMatchObject({ filters: [filter] });
  expect(saved.json).not.toHaveProperty("filters.0.more");
  const task_inputs = { x: [{ name: "y", more: true }, { type: "int" }] };
  const run = await call("POST", "/task_runs/", { task_key: "t", dynamic_key: "0", task_inputs });
  expect(run.json).toHaveProperty("task_inputs.x", [
    { input_type: "parameter", name: "y" },
    { input_type: "constant", type: "int" },
  ]);
});

test("a queue of any pool answers to its name as long as there is no pool of agents", async () => {
  await call("POST", "/work_pools/", { name: "pool", type: "process" });
  await call("POST", "/work_pools/pool/queues", { name: "q" });
  expect((await call("GET", "/work_queues/name/q")).status).toBe(200);
  await call("POST", "/work_queues/", { name: "other" });
  expect((await call("GET", "/work_queues/name/q")).status).toBe(404);
});
