import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";

const START = 1_790_000_000_000_000;
let folder: string;
let core: ServerCore;
let flowRunId: string;
let nowUs: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-tag-slots-"));
  nowUs = START;
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), nowUs: () => nowUs++ });
  flowRunId = newId(START);
  const run = { name: "run", flow_name: "flow", parameters: {} };
  await report({ kind: "flow", id: flowRunId, base: 0, transitions: [["RUNNING", "Running", START]], run });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function call(method: "GET" | "POST" | "DELETE", path: string, body?: object) {
  const { status, body: text } = await core.handle({
    method,
    path: `/api${path}`,
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status, json: text === "" ? null : (JSON.parse(text) as Record<string, unknown>) };
}

async function report(record: object): Promise<void> {
  const { status, json } = await call("POST", "/sluice/run-records", { process_id: newId(START), records: [record] });
  expect([status, json]).toEqual([200, { verdicts: [] }]);
}

/** Stores a pending task run. */
async function taskRun(): Promise<string> {
  const id = newId(nowUs);
  const run = { name: "t", flow_run_id: flowRunId, task_key: "t", dynamic_key: id };
  await report({ kind: "task", id, base: 0, transitions: [["PENDING", "Pending", nowUs]], run });
  return id;
}

const end = (id: string): Promise<void> =>
  report({ kind: "task", id, base: 1, transitions: [["COMPLETED", "Completed", nowUs]] });
const limit = (tag: string, slots: number) => call("POST", "/concurrency_limits/", { tag, concurrency_limit: slots });
async function ask(id: string, tags: readonly string[], signal?: AbortSignal): Promise<number> {
  const body = JSON.stringify({ task_run_id: id, tags });
  return (await core.handle({ method: "POST", path: "/api/sluice/tag-slots", body }, signal)).status;
}
const activeSlots = async (tag: string): Promise<unknown> =>
  (await call("GET", `/v2/concurrency_limits/tag:${tag}`)).json?.["active_slots"];

test("runs get slots in the order in which they asked, as those before them end", async () => {
  await limit("db", 2);
  const ids = [await taskRun(), await taskRun(), await taskRun(), await taskRun(), await taskRun()];
  const order: number[] = [];
  const asked = ids.map(async (id, index) => {
    expect(await ask(id, ["db", "other"])).toBe(200);
    order.push(index);
  });
  await Promise.all(asked.slice(0, 2));
  expect(await activeSlots("db")).toBe(2);
  expect(order).toEqual([0, 1]);
  await end(ids[1] ?? "");
  await asked[2];
  expect(order).toEqual([0, 1, 2]);
  await end(ids[0] ?? "");
  await end(ids[2] ?? "");
  await Promise.all(asked);
  expect(order).toEqual([0, 1, 2, 3, 4]);
  await end(ids[3] ?? "");
  await end(ids[4] ?? "");
  expect(await activeSlots("db")).toBe(0);
});

test("one that waits for two limits is not passed by those who want one of them", async () => {
  await limit("a", 1);
  await limit("b", 1);
  const [holder, both, single] = [await taskRun(), await taskRun(), await taskRun()];
  expect(await ask(holder, ["a"])).toBe(200);
  const order: string[] = [];
  const asked = [
    ask(both, ["a", "b"]).then(() => order.push("both")),
    ask(single, ["b"]).then(() => order.push("single")),
  ];
  await end(holder);
  await asked[0];
  expect(await activeSlots("b")).toBe(1);
  await end(both);
  await Promise.all(asked);
  expect(order).toEqual(["both", "single"]);
});

test("asking again takes no second slot; a run without a limit and one that is over need none", async () => {
  await limit("db", 1);
  const [id, over] = [await taskRun(), await taskRun()];
  expect([await ask(id, ["db"]), await ask(id, ["db"]), await ask(over, ["free"])]).toEqual([200, 200, 200]);
  expect(await activeSlots("db")).toBe(1);
  await end(over);
  expect(await ask(over, ["db"])).toBe(200);
  expect(await activeSlots("db")).toBe(1);
});

test("who waits hears of a limit that is raised, switched off or taken away", async () => {
  await limit("x", 0);
  await limit("y", 0);
  await limit("z", 0);
  const ids = [await taskRun(), await taskRun(), await taskRun()];
  const asked = ["x", "y", "z"].map((tag, index) => ask(ids[index] ?? "", [tag]));
  await limit("x", 1);
  expect(await asked[0]).toBe(200);
  await core.handle({ method: "PATCH", path: "/api/v2/concurrency_limits/tag:y", body: '{"active":false}' });
  expect(await asked[1]).toBe(200);
  await call("DELETE", "/concurrency_limits/tag/z");
  expect(await asked[2]).toBe(200);
});

test("slots come back with a task run that is deleted, and with the flow run around it", async () => {
  await limit("db", 2);
  const [deleted, dead] = [await taskRun(), await taskRun()];
  expect([await ask(deleted, ["db"]), await ask(dead, ["db"])]).toEqual([200, 200]);
  await call("DELETE", `/task_runs/${deleted}`);
  expect(await activeSlots("db")).toBe(1);
  await call("DELETE", `/flow_runs/${flowRunId}`);
  await expect.poll(() => activeSlots("db")).toBe(0);
});

test("runs of clients that set states share the slots", async () => {
  await limit("db", 1);
  const told = { flow_run_id: flowRunId, task_key: "p", dynamic_key: "p", tags: ["db"] };
  const python = String((await call("POST", "/task_runs/", told)).json?.["id"]);
  const setState = async (type: string): Promise<unknown> =>
    (await call("POST", `/task_runs/${python}/set_state`, { state: { type } })).json?.["status"];
  const own = await taskRun();
  expect(await setState("RUNNING")).toBe("ACCEPT");
  const asked = ask(own, ["db"]);
  expect(await setState("COMPLETED")).toBe("ACCEPT");
  expect(await asked).toBe(200);
  expect(await setState("RUNNING")).toBe("WAIT");
  await end(own);
  expect(await setState("RUNNING")).toBe("ACCEPT");
});

test("a run that is not stored, and a request without sense, are refused", async () => {
  const unknown = newId(START);
  expect(await call("POST", "/sluice/tag-slots", { task_run_id: unknown, tags: ["db"] })).toMatchObject({
    status: 404,
    json: { detail: `Task run ${unknown} is not stored` },
  });
  expect(await ask("x", [1 as unknown as string])).toBe(422);
});

test("a request ends when its sender goes, and when the server closes; neither takes a slot", async () => {
  await limit("db", 0);
  const [one, other] = [await taskRun(), await taskRun()];
  const going = new AbortController();
  const asked = [ask(one, ["db"], going.signal), ask(other, ["db"])];
  going.abort();
  expect(await asked[0]).toBe(423);
  core.stopHolding();
  expect(await asked[1]).toBe(423);
  await limit("db", 5);
  expect(await activeSlots("db")).toBe(0);
});

test("the tags that have a limit are told", async () => {
  await limit("db", 2);
  await limit("gpu", 0);
  await call("POST", "/v2/concurrency_limits/", { name: "tag:off", limit: 1, active: false });
  await call("POST", "/v2/concurrency_limits/", { name: "tags", limit: 1 });
  expect(await call("GET", "/sluice/tag-limits")).toEqual({ status: 200, json: { tags: ["db", "gpu"] } });
});
