import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServerCore } from "../server-core.ts";
import { scheduler } from "../services/scheduler.ts";

/** Monday 2026-03-02, 00:00 UTC. */
const MONDAY = Date.UTC(2026, 2, 2) * 1000;

let folder: string;
let core: ServerCore;
let now = 0;
let told: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-deployments-"));
  now = MONDAY;
  told = [];
  core = ServerCore.open({
    databaseFile: join(folder, "sluice.db"),
    nowUs: () => (now += 1),
    onError: (error) => told.push(String(error)),
    settings: { schedulerEnabled: false },
  });
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

async function deploy(values: object = {}) {
  const flow = await call("POST", "/flows/", { name: "f" });
  return await call("POST", "/deployments/", { name: "d", flow_id: flow.json.id, ...values });
}

async function scheduledTimes(): Promise<string[]> {
  const { json } = await call("POST", "/flow_runs/filter", { sort: "EXPECTED_START_TIME_ASC" });
  return json.map((run: { expected_start_time: string }) => run.expected_start_time.slice(0, 19));
}

test("a deployment is found again by flow and name, and its runs go by its new values", async () => {
  const first = await deploy({ schedules: [{ schedule: { cron: "0 6 * * *" } }], tags: ["a"] });
  expect(first.status).toBe(201);
  await scheduler.run(core);
  expect(await scheduledTimes()).toEqual(["2026-03-02T06:00:00", "2026-03-03T06:00:00", "2026-03-04T06:00:00"]);

  const second = await deploy({ schedules: [{ schedule: { cron: "0 9 * * *" } }], tags: ["b"] });
  expect(second.status).toBe(200);
  expect(second.json.id).toBe(first.json.id);
  expect(await scheduledTimes()).toEqual([]);
  await scheduler.run(core);
  await scheduler.run(core);
  expect(await scheduledTimes()).toEqual(["2026-03-02T09:00:00", "2026-03-03T09:00:00", "2026-03-04T09:00:00"]);
  const { json } = await call("POST", "/flow_runs/filter", {});
  expect(json[0].tags).toEqual(["auto-scheduled", "b"]);
  expect(json[0].created_by).toMatchObject({ type: "SCHEDULE", display_value: "CronSchedule" });
});

test("a run that somebody made by hand stays when schedules change, and goes with its deployment", async () => {
  const { json: deployment } = await deploy({ schedules: [{ schedule: { interval: 3600 }, slug: "hourly" }] });
  await call("POST", `/deployments/${deployment.id}/create_flow_run`, { name: "by-hand" });
  await scheduler.run(core);
  await call("POST", `/deployments/${deployment.id}/pause_deployment`);
  const { json: left } = await call("POST", "/flow_runs/filter", {});
  expect(left.map((run: { name: string }) => run.name)).toEqual(["by-hand"]);
  await scheduler.run(core);
  expect((await call("POST", "/flow_runs/count", {})).json).toBe(1);
  await call("DELETE", `/deployments/${deployment.id}`);
  expect((await call("POST", "/flow_runs/count", {})).json).toBe(0);
});

test("a schedule that cannot be evaluated is switched off with a reason, and keeps no other one waiting", async () => {
  const { json: deployment } = await deploy({
    schedules: [
      { schedule: { rrule: "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30" }, slug: "poison" },
      { schedule: { rrule: "FREQ=DAILY" }, slug: "daily" },
    ],
  });
  await scheduler.run(core);
  expect(await scheduledTimes()).toEqual(["2026-03-03T00:00:00", "2026-03-04T00:00:00", "2026-03-05T00:00:00"]);
  const { json: schedules } = await call("GET", `/deployments/${deployment.id}/schedules`);
  expect(Object.fromEntries(schedules.map((one: { slug: string; active: boolean }) => [one.slug, one.active]))).toEqual(
    {
      poison: false,
      daily: true,
    },
  );
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/The schedule .* of deployment "d" was switched off: .*Change it and switch it on again/);
});

test("parameters and job variables of a run are those of the deployment with its own over them, and must fit", async () => {
  await call("POST", "/work_pools/", {
    name: "pool",
    type: "process",
    base_job_template: {
      job_configuration: { command: "{{ command }}" },
      variables: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
    },
  });
  const { json: deployment } = await deploy({
    work_pool_name: "pool",
    parameters: { n: 1 },
    parameter_openapi_schema: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
    enforce_parameter_schema: true,
  });
  const run = async (body: object) => await call("POST", `/deployments/${deployment.id}/create_flow_run`, body);
  expect(await run({})).toMatchObject({
    status: 422,
    json: { detail: expect.stringContaining("'command' is a required") },
  });
  const variables = { job_variables: { command: "ls" } };
  expect((await run({ ...variables, parameters: { n: "x" } })).status).toBe(409);
  const made = await run({ ...variables, parameters: { n: 2 } });
  expect(made).toMatchObject({
    status: 201,
    json: { parameters: { n: 2 }, state_name: "Scheduled", work_pool_name: "pool", work_queue_name: "default" },
  });
});

test("schedules are changed by their slugs, and renamed without losing their place", async () => {
  const { json: deployment } = await deploy({
    schedules: [
      { schedule: { cron: "1 1 * * *" }, slug: "one" },
      { schedule: { cron: "2 2 * * *" }, slug: "two" },
    ],
  });
  const path = `/deployments/${deployment.id}`;
  const before = (await call("GET", `${path}/schedules`)).json;
  expect((await call("PATCH", path, { schedules: [{ schedule: { cron: "3 3 * * *" } }] })).status).toBe(422);
  expect((await call("PATCH", path, { schedules: [{ slug: "two", replaces: "one" }] })).status).toBe(422);
  expect((await call("PATCH", path, { schedules: [{ slug: "uno", replaces: "one", active: false }] })).status).toBe(
    204,
  );
  const after = (await call("GET", `${path}/schedules`)).json;
  const bySlug = (list: { slug: string; id: string }[], slug: string) => list.find((one) => one.slug === slug);
  expect(bySlug(after, "uno")).toMatchObject({
    id: bySlug(before, "one")?.id,
    active: false,
    schedule: { cron: "1 1 * * *" },
  });
  expect(bySlug(after, "two")).toMatchObject({ active: true });
});
