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
let told: ReceivedEvent[];
let nowUs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-flow-run-events-"));
  nowUs = START;
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), nowUs: () => nowUs++ });
  told = [];
  core.events.listen((events) => told.push(...events.filter(({ event }) => event.startsWith("prefect.flow-run."))));
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

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
  const events = told.filter((event) => event.resource["prefect.resource.id"] === `prefect.flow-run.${run.id}`);
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
  const flows: string[] = [];
  core.events.listen((events) =>
    flows.push(...events.map(({ event }) => event).filter((name) => name.startsWith("prefect.flow."))),
  );
  await post("/sluice/run-records", batch);
  await post("/sluice/run-records", batch);
  expect(flows).toEqual(["prefect.flow.created"]);
  expect(told.map(({ event, resource }) => [event, resource["prefect.run-count"]])).toEqual([
    ["prefect.flow-run.Pending", "0"],
    ["prefect.flow-run.Running", "1"],
    ["prefect.flow-run.Completed", "1"],
  ]);
  expect(told[0]?.resource["prefect.state-timestamp"]).toBe("2026-09-21T14:13:20+00:00");
});

test("a refused transition is not told", async () => {
  const flow = await post("/flows/", { name: "etl" });
  const run = await post("/flow_runs/", { flow_id: flow.id });
  await setState(run.id, { type: "PENDING" });
  expect(told.map(({ event }) => event)).toEqual(["prefect.flow-run.Pending"]);
});

test("a state that comes long after the one before does not name it", async () => {
  const flow = await post("/flows/", { name: "etl" });
  const run = await post("/flow_runs/", { flow_id: flow.id });
  nowUs += 301_000_000;
  await setState(run.id, { type: "RUNNING" });
  expect(told.map(({ follows }) => follows)).toEqual([null, null]);
});

test("a message of megabytes is told by its two ends", async () => {
  const flow = await post("/flows/", { name: "etl" });
  await post("/flow_runs/", { flow_id: flow.id, state: { type: "FAILED", message: "x".repeat(1_000_000) } });
  const message = told[0]?.resource["prefect.state-message"] ?? "";
  expect(message.length).toBeLessThan(100_100);
  expect(message).toContain("...900000 additional characters...");
});
