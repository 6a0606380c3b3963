import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";
import { repossessor } from "../services/repossessor.ts";

const clock = new ManualClock();
let folder: string;
let core: ServerCore;

function open(): ServerCore {
  // The loops stay off: a test says itself when a round is.
  const settings = { repossessorEnabled: false };
  return ServerCore.open({ databaseFile: join(folder, "sluice.db"), nowUs: () => clock.nowUs(), settings });
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-limits-api-"));
  core = open();
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  // Bodies of many shapes: each test knows its own.
  readonly json: Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await core.handle({ method, path: `/api${path}`, ...text });
  const json = answer.body === "" ? {} : JSON.parse(answer.body);
  return { status: answer.status, json, headers: answer.headers ?? {} };
}
const create = (name: string, limit: number, rest: object = {}) =>
  call("POST", "/v2/concurrency_limits/", { name, limit, ...rest });
const increment = (names: string[], rest: object = {}) =>
  call("POST", "/v2/concurrency_limits/increment", { names, slots: 1, ...rest });
const acquire = (names: string[], rest: object = {}) =>
  call("POST", "/v2/concurrency_limits/increment-with-lease", { names, slots: 1, lease_duration: 60, ...rest });
const release = (id: unknown) => call("POST", "/v2/concurrency_limits/decrement-with-lease", { lease_id: id });
const renew = (id: unknown) => call("POST", `/v2/concurrency_limits/leases/${String(id)}/renew`, {});
const activeSlots = async (name: string) => (await call("GET", `/v2/concurrency_limits/${name}`)).json["active_slots"];

test("slots of all limits are taken or of none", async () => {
  await create("wide", 2);
  await create("narrow", 1);
  expect((await acquire(["wide", "narrow", "no-such"])).json["limits"]).toMatchObject([
    { name: "narrow", limit: 1 },
    { name: "wide", limit: 2 },
  ]);
  const refused = await acquire(["wide", "narrow"]);
  expect([refused.status, refused.json]).toEqual([423, { detail: "Locked" }]);
  expect(await activeSlots("wide")).toBe(1);
});

test("who is refused is told when to come again, later the more are refused", async () => {
  await create("one", 1);
  await acquire(["one"]);
  const waits: number[] = [];
  for (let time = 0; time < 3; time++) waits.push(Number((await acquire(["one"])).headers["retry-after"]));
  // 2, 4 and 6 seconds on average; at most 1.3 times, at least 0.75 times as long.
  for (const [index, wait] of waits.entries()) {
    expect(wait).toBeGreaterThanOrEqual(2 * (index + 1) * 0.75);
    expect(wait).toBeLessThanOrEqual(2 * (index + 1) * 1.3);
  }
});

test("a request for more slots than there are is a mistake, not a wait", async () => {
  await create("one", 1);
  const refused = await increment(["one"], { slots: 2 });
  expect([refused.status, refused.json]).toEqual([422, { detail: "Slots requested is greater than the limit" }]);
});

test("only limits with decay limit a rate", async () => {
  await create("held", 1);
  await create("rate", 2, { slot_decay_per_second: 0.5 });
  expect((await increment(["held"], { mode: "rate_limit" })).status).toBe(422);
  const taken = async () => (await increment(["rate"], { mode: "rate_limit" })).status;
  expect([await taken(), await taken(), await taken()]).toEqual([200, 200, 423]);
  clock.advance(1500);
  // Refusals do not put off what comes free.
  expect(await taken()).toBe(423);
  clock.advance(500);
  expect([await activeSlots("rate"), await taken(), await taken()]).toEqual([1, 200, 423]);
});

test("a limit that is switched off holds nobody back, and a lease of before gives back what it took", async () => {
  await create("switch", 1);
  const { json: before } = await acquire(["switch"]);
  await call("PATCH", "/v2/concurrency_limits/switch", { active: false });
  const { json: meanwhile } = await acquire(["switch"], { slots: 5 });
  expect(await activeSlots("switch")).toBe(1);
  await release(before["lease_id"]);
  expect(await activeSlots("switch")).toBe(0); // Prefect forgets to give it back.
  await call("PATCH", "/v2/concurrency_limits/switch", { active: true });
  await acquire(["switch"]);
  await release(meanwhile["lease_id"]);
  expect(await activeSlots("switch")).toBe(1);
});

test("a lease ends once: what comes later finds it gone", async () => {
  await create("one", 1);
  const id = (await acquire(["one"])).json["lease_id"];
  clock.advance(70_000);
  expect((await renew(id)).status).toBe(204); // Late, but nobody has taken it away yet.
  clock.advance(299_000);
  await repossessor.run(core);
  expect(await activeSlots("one")).toBe(1);
  clock.advance(2000);
  await repossessor.run(core);
  expect([await activeSlots("one"), (await renew(id)).status, (await release(id)).status]).toEqual([0, 410, 204]);
  expect(await activeSlots("one")).toBe(0);
});

test("how long slots are held is learned from those who give them back", async () => {
  await create("one", 1);
  await increment(["one"]);
  await call("POST", "/v2/concurrency_limits/decrement", { names: ["one"], slots: 1, occupancy_seconds: 10 });
  expect(core.store.query("SELECT avg_slot_occupancy_seconds AS s FROM concurrency_limit", [])).toEqual([{ s: 6 }]);
});

test("the limit of a tag shows the task runs that hold it, and is reset", async () => {
  const made = await call("POST", "/concurrency_limits/", { tag: "db", concurrency_limit: 2 });
  expect([made.status, made.json]).toMatchObject([201, { tag: "db", concurrency_limit: 2, active_slots: [] }]);
  expect((await call("POST", "/concurrency_limits/", { tag: "db", concurrency_limit: 1 })).status).toBe(200);
  const [first, second] = [newId(clock.nowUs()), newId(clock.nowUs())];
  const taken = await call("POST", "/concurrency_limits/increment", { names: ["db"], task_run_id: first });
  expect(taken.json).toMatchObject([{ name: "db", limit: 1 }]);
  const refused = await call("POST", "/concurrency_limits/increment", { names: ["db"], task_run_id: second });
  expect([refused.status, refused.headers, refused.json]).toEqual([
    423,
    { "retry-after": "10" },
    { detail: "Concurrency limit for the db tag has been reached" },
  ]);
  const shown = async () => (await call("GET", "/concurrency_limits/tag/db")).json["active_slots"];
  expect(await shown()).toEqual([first]);
  await call("POST", "/concurrency_limits/tag/db/reset", { slot_override: [second] });
  expect([await shown(), await activeSlots("tag:db")]).toEqual([[second], 1]);
  await call("POST", "/concurrency_limits/decrement", { names: ["db"], task_run_id: second });
  expect([await shown(), await activeSlots("tag:db")]).toEqual([[], 0]);
});

test("null where a value must be, and a name that is taken, are conflicts", async () => {
  await create("a", 1);
  await create("b", 1);
  const statuses = [];
  for (const change of [{ limit: null }, { name: "b" }, { name: "c" }])
    statuses.push((await call("PATCH", "/v2/concurrency_limits/a", change)).status);
  expect([...statuses, (await create("b", 1)).status]).toEqual([409, 409, 204, 409]);
});

test("a limit that is deleted takes nothing from the others of its leases", async () => {
  await create("kept", 1);
  await create("gone", 1);
  const id = (await acquire(["kept", "gone"])).json["lease_id"];
  await call("DELETE", "/v2/concurrency_limits/gone");
  expect([await activeSlots("kept"), (await renew(id)).status]).toEqual([1, 204]);
  await release(id);
  expect(await activeSlots("kept")).toBe(0);
});

test("what happens to a limit is an event", async () => {
  const { json } = await create("told", 1);
  await call("PATCH", "/v2/concurrency_limits/told", { limit: 2 });
  await call("DELETE", "/v2/concurrency_limits/told");
  const rows = core.store.query("SELECT body FROM event_row ORDER BY no", []);
  const resource = { "prefect.resource.id": `prefect.concurrency-limit.${String(json["id"])}` };
  const payload = { name: "told", active: true, slot_decay_per_second: 0 };
  expect(rows.map((row) => JSON.parse(String(row["body"])) as unknown)).toMatchObject([
    { event: "prefect.concurrency-limit.created", resource, payload: { ...payload, limit: 1 } },
    { event: "prefect.concurrency-limit.updated", resource, payload: { ...payload, limit: 2 } },
    { event: "prefect.concurrency-limit.deleted", resource, payload: { ...payload, limit: 2 } },
  ]);
});

test("a number that no column holds is the caller's fault", async () => {
  const statuses = [];
  for (const limit of [1e20, 2 ** 53 + 2]) statuses.push((await create("large", limit)).status);
  statuses.push((await call("POST", "/v2/concurrency_limits/filter", { offset: 1e20 })).status);
  expect(statuses).toEqual([422, 422, 422]);
});
