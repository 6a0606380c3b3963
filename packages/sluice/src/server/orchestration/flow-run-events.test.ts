import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ReceivedEvent } from "../../wire/contract/shapes.ts";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";

const START = 1_790_000_000_000_000;
let folder: string;
let core: ServerCore;
let nowUs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-flow-run-events-"));
  nowUs = START;
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), nowUs: () => nowUs++ });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

/** The events of flow runs so far, in the order of the log. */
function told(prefix = "prefect.flow-run."): ReceivedEvent[] {
  const rows = core.store.query("SELECT body FROM event_row ORDER BY no", []);
  const events = rows.map(({ body }) => JSON.parse(String(body)) as ReceivedEvent); // every body is an event
  return events.filter(({ event }) => event.startsWith(prefix));
}

async function post(path: string, body: unknown): Promise<{ readonly id: string; readonly name: string }> {
  const answer = await core.handle({ method: "POST", path: `/api${path}`, body: JSON.stringify(body) });
  expect(answer.status, answer.body).toBeLessThan(300);
  return JSON.parse(answer.body) as { id: string; name: string };
}
const setState = (id: string, state: object) => post(`/flow_runs/${id}/set_state`, { state });
const states = async (id: string) => {
  const { body } = await core.handle({ method: "GET", path: `/api/flow_run_states/?flow_run_id=${id}` });
  return (JSON.parse(body) as { id: string; timestamp: string }[]).map((state) => [state.id, state.timestamp]);
};

// The values are those of Prefect 3.8.8 for the same requests.
test("each transition is told with its state's id, what it belongs to, and what it follows", async () => {
  const flow = await post("/flows/", { name: "etl", tags: ["ft"] });
  const parent = await post("/flow_runs/", { flow_id: flow.id, tags: ["pt"] });
  const tracking = { flow_run_id: parent.id, task_key: "k", dynamic_key: "0", name: "sub-0", tags: ["tt"] };
  const task = await post("/task_runs/", tracking);
  const run = await post("/flow_runs/", { flow_id: flow.id, tags: ["z", "b"], parent_task_run_id: task.id });
  await setState(run.id, { type: "RUNNING", message: "hello" });
  await setState(run.id, { type: "PAUSED", message: "" });
  const events = told().filter((event) => event.resource["prefect.resource.id"] === `prefect.flow-run.${run.id}`);
  const written = await states(run.id);
  expect(events.map(({ id, occurred }) => [id, occurred])).toEqual(written);
  expect(events.map(({ follows }) => follows)).toEqual([null, ...written.slice(0, -1).map(([id]) => id)]);
  expect(events.map(({ event }) => event)).toEqual([
    "prefect.flow-run.Pending",
    "prefect.flow-run.Running",
    "prefect.flow-run.Paused",
  ]);
  expect(events[1]?.resource).toEqual({
    "prefect.resource.id": `prefect.flow-run.${run.id}`,
    "prefect.resource.name": run.name,
    "prefect.run-count": "1",
    "prefect.state-message": "hello",
    "prefect.state-name": "Running",
    "prefect.state-timestamp": written[1]?.[1]?.replace("Z", "+00:00"),
    "prefect.state-type": "RUNNING",
  });
  const related = [
    {
      "prefect.resource.id": `prefect.flow.${flow.id}`,
      "prefect.resource.role": "flow",
      "prefect.resource.name": "etl",
    },
    {
      "prefect.resource.id": `prefect.task-run.${task.id}`,
      "prefect.resource.role": "task-run",
      "prefect.resource.name": "sub-0",
    },
    ...["b", "ft", "tt", "z"].map((tag) => ({
      "prefect.resource.id": `prefect.tag.${tag}`,
      "prefect.resource.role": "tag",
    })),
  ];
  expect(events.map((event) => event.related)).toEqual([related, related, related]);
  expect(events.map(({ payload }) => payload)).toEqual([
    {
      intended: { from: null, to: "PENDING" },
      initial_state: null,
      validated_state: { type: "PENDING", name: "Pending" },
    },
    {
      intended: { from: "PENDING", to: "RUNNING" },
      initial_state: { type: "PENDING", name: "Pending" },
      validated_state: { type: "RUNNING", name: "Running", message: "hello" },
    },
    {
      intended: { from: "RUNNING", to: "PAUSED" },
      initial_state: { type: "RUNNING", name: "Running", message: "hello" },
      validated_state: { type: "PAUSED", name: "Paused", pause_reschedule: "false" },
    },
  ]);
});

test("a run that is reported whole is told transition by transition, and once only", async () => {
  const id = newId(START);
  const transitions = [
    ["PENDING", "Pending", START],
    ["RUNNING", "Running", START + 1_000_000],
    ["COMPLETED", "Completed", START + 2_000_000],
  ];
  const identity = { name: "run", flow_name: "etl", parameters: {} };
  const batch = { process_id: newId(START), records: [{ kind: "flow", id, base: 0, transitions, run: identity }] };
  let commits = 0;
  core.events.listen(() => commits++);
  await post("/sluice/run-records", batch);
  await post("/sluice/run-records", batch);
  expect(commits).toBe(1);
  expect(told("prefect.flow.").map(({ event }) => event)).toEqual(["prefect.flow.created"]);
  expect(told().map(({ event, resource }) => [event, resource["prefect.run-count"]])).toEqual([
    ["prefect.flow-run.Pending", "0"],
    ["prefect.flow-run.Running", "1"],
    ["prefect.flow-run.Completed", "1"],
  ]);
  expect(told()[0]?.resource["prefect.state-timestamp"]).toBe("2026-09-21T14:13:20+00:00");
});

test("a refused transition is not told", async () => {
  const flow = await post("/flows/", { name: "etl" });
  const run = await post("/flow_runs/", { flow_id: flow.id });
  await setState(run.id, { type: "PENDING" });
  expect(told().map(({ event }) => event)).toEqual(["prefect.flow-run.Pending"]);
});

test("a state that comes long after the one before does not name it", async () => {
  const flow = await post("/flows/", { name: "etl" });
  const run = await post("/flow_runs/", { flow_id: flow.id });
  nowUs += 301_000_000;
  await setState(run.id, { type: "RUNNING" });
  expect(told().map(({ follows }) => follows)).toEqual([null, null]);
});

test("a message of megabytes is told by its two ends", async () => {
  const flow = await post("/flows/", { name: "etl" });
  await post("/flow_runs/", { flow_id: flow.id, state: { type: "FAILED", message: "x".repeat(1_000_000) } });
  const message = told()[0]?.resource["prefect.state-message"] ?? "";
  expect(message.length).toBeLessThan(100_100);
  expect(message).toContain("...900000 additional characters...");
});

/** A run that is reported whole: Pending, three attempts, Completed; seven transitions, a second apart. */
function retriedRun(id: string): { readonly process_id: string; readonly records: readonly object[] } {
  const states = [
    ["PENDING", "Pending"],
    ["RUNNING", "Running"],
    ["SCHEDULED", "AwaitingRetry", 'a "quoted" \u2028 message \ud83d\ude00'],
    ["RUNNING", "Retrying"],
    ["SCHEDULED", "AwaitingRetry"],
    ["RUNNING", "Retrying"],
    ["COMPLETED", "Completed"],
  ];
  const transitions = states.map(([type, name, message], index) => [
    type,
    name,
    START + index * 1_000_000,
    message ?? null,
  ]);
  const run = { name: "run", flow_name: "etl", parameters: {}, tags: ["nightly"] };
  return { process_id: newId(START), records: [{ kind: "flow", id, base: 0, transitions, run }] };
}

async function filtered(filter: object): Promise<string[]> {
  const { events } = (await post("/events/filter", { filter, limit: 50 })) as unknown as { events: ReceivedEvent[] };
  return events.map(({ event, occurred }) => `${occurred.slice(17, 19)} ${event}`);
}

test("of transitions that came together each is found by what it is about, by its own words and by its id", async () => {
  const id = newId(START);
  await post("/sluice/run-records", retriedRun(id));
  nowUs += 3_600_000_000;
  const all = [
    "26 prefect.flow-run.Completed",
    "25 prefect.flow-run.Retrying",
    "24 prefect.flow-run.AwaitingRetry",
    "23 prefect.flow-run.Retrying",
    "22 prefect.flow-run.AwaitingRetry",
    "21 prefect.flow-run.Running",
    "20 prefect.flow-run.Pending",
  ];
  expect(await filtered({ resource: { id: [`prefect.flow-run.${id}`] } })).toEqual(all);
  expect(await filtered({ related: { id: ["prefect.tag.nightly"] } })).toEqual(all);
  expect(await filtered({ related: { id: ["prefect.tag.weekly"] } })).toEqual([]);
  expect(await filtered({ related: { role: ["tag"], labels: { "prefect.resource.id": "prefect.tag.*" } } })).toEqual(
    all,
  );
  expect(await filtered({ any_resource: { id: ["prefect.tag.nightly"] } })).toEqual(all);
  expect(await filtered({ resource: { labels: { "prefect.run-count": ["2"] } } })).toEqual([all[2], all[3]]);
  expect(await filtered({ text: { query: "quoted" } })).toEqual([all[3], all[4]]);
  const ids = told().map((event) => event.id);
  expect(await filtered({ id: { id: [ids[2], ids[5]] } })).toEqual([all[1], all[4]]);
  const [counted] = (await post("/events/count-by/resource", {
    filter: { resource: { id: [`prefect.flow-run.${id}`] } },
  })) as unknown as { label: string; count: number }[];
  expect(counted).toMatchObject({ label: "run", count: 7 });
});

test("each word of an event of a group is found in that event", async () => {
  await post("/sluice/run-records", retriedRun(newId(START)));
  nowUs += 3_600_000_000;
  const words = told().flatMap((event) =>
    Array.from(JSON.stringify(event).matchAll(/[a-z0-9:][\w.:+-]+/gi), ([word]) => ({ word, id: event.id })),
  );
  expect(words.length).toBeGreaterThan(300);
  const missed: string[] = [];
  for (const { word, id } of words) {
    const filter = { id: { id: [id] }, text: { query: word } };
    if ((await filtered(filter)).length !== 1) missed.push(word);
  }
  expect(missed).toEqual([]);
});

test("a group of transitions tells of each what it would tell of it alone", async () => {
  const id = newId(START);
  const { process_id, records } = retriedRun(id);
  await post("/sluice/run-records", { process_id, records });
  const together = told();
  await core.store.write(() => core.store.empty());
  const [record] = records as { transitions: unknown[]; run: object }[];
  for (const [base, transition] of (record?.transitions ?? []).entries())
    await post("/sluice/run-records", {
      process_id,
      records: [{ ...record, base, transitions: [transition], ...(base > 0 ? { run: undefined } : {}) }],
    });
  const alone = told();
  const withoutFlow = (events: readonly ReceivedEvent[]) =>
    events.map(({ related, ...event }) => ({
      ...event,
      related: related?.filter((one) => one["prefect.resource.role"] === "tag"),
    }));
  expect(withoutFlow(together)).toEqual(withoutFlow(alone));
  expect(together[2]?.payload).toEqual({
    intended: { from: "RUNNING", to: "SCHEDULED" },
    initial_state: { type: "RUNNING", name: "Running" },
    validated_state: { type: "SCHEDULED", name: "AwaitingRetry", message: 'a "quoted" \u2028 message \ud83d\ude00' },
  });
});

test("a run that is deleted and reported again tells only of what it has not told", async () => {
  const id = newId(START);
  const { process_id, records } = retriedRun(id);
  const [record] = records as { transitions: unknown[] }[];
  const short = { ...record, transitions: record?.transitions.slice(0, 3) };
  await post("/sluice/run-records", { process_id, records: [short] });
  await core.handle({ method: "DELETE", path: `/api/flow_runs/${id}` });
  await post("/sluice/run-records", { process_id, records });
  expect(told().map(({ payload }) => payload?.["intended"])).toEqual(
    [
      [null, "PENDING"],
      ["PENDING", "RUNNING"],
      ["RUNNING", "SCHEDULED"],
      ["SCHEDULED", "RUNNING"],
      ["RUNNING", "SCHEDULED"],
      ["SCHEDULED", "RUNNING"],
      ["RUNNING", "COMPLETED"],
    ].map(([from, to]) => ({ from, to })),
  );
});
