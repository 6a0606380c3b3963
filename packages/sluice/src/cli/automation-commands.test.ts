import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type RunningServer } from "../server/index.ts";
import { sluice } from "./sluice-process.fixture.ts";

let folder = "";
let server: RunningServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-automation-cli-"));
  for (const name of ["home", "other"]) mkdirSync(join(folder, name));
  server = await startServer({ port: 0, home: join(folder, "home") });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) =>
  sluice(args, { home: join(folder, "other"), env: { SLUICE_API_URL: server.apiUrl } });

async function post(path: string, body: unknown): Promise<{ readonly id: string }> {
  const answer = await server.core.handle({ method: "POST", path: `/api${path}`, body: JSON.stringify(body) });
  expect(answer.status, answer.body).toBeLessThan(300);
  return JSON.parse(answer.body) as { id: string };
}

test("an automation is made from a file, seen, switched off and deleted", async () => {
  const file = join(folder, "automation.json");
  const trigger = { type: "event", posture: "Reactive", expect: ["order.shipped"] };
  writeFileSync(file, JSON.stringify({ name: "thanks", trigger, actions: [{ type: "do-nothing" }] }));
  expect((await run("automation", "create", "--from-file", file)).stdout).toMatch(/^Made the automation thanks \(/);
  expect((await run("automation", "disable", "thanks")).stdout).toBe("Disabled thanks.\n");
  const [row] = JSON.parse((await run("automation", "ls", "-o", "json")).stdout);
  expect(row).toMatchObject({ name: "thanks", enabled: false, trigger: { expect: ["order.shipped"] } });
  expect((await run("automation", "delete", "thanks")).stdout).toBe("Deleted thanks.\n");
  expect((await run("automation", "inspect", "thanks")).stderr).toMatch(/there is no automation "thanks"/);
});

test("an event that is sent is listed, and streamed as JSON", async () => {
  const streaming = run("event", "stream", "--prefix", "order.", "--run-once", "-o", "json");
  const done = new AbortController();
  const streamed = streaming.finally(() => done.abort());
  // The stream begins at some time: events are sent until it has shown one.
  while (!done.signal.aborted)
    await run("event", "emit", "order.shipped", "--resource-id", "shop.order.17", "--payload", '{"by": "air"}');
  expect(JSON.parse((await streamed).stdout)).toMatchObject({ event: "order.shipped", payload: { by: "air" } });
  const [newest] = JSON.parse((await run("event", "ls", "--prefix", "order.", "--limit", "1", "-o", "json")).stdout);
  expect(newest).toMatchObject({ event: "order.shipped", resource: { "prefect.resource.id": "shop.order.17" } });
  const bad = await run("event", "emit", "x", "--resource-id", "y", "--payload", "[1]");
  expect(bad.stderr).toMatch(/--payload takes an object of JSON/);
});

test("a deployment is listed, run, paused and deleted", async () => {
  const flow = await post("/flows/", { name: "etl" });
  await post("/deployments/", {
    name: "nightly",
    flow_id: flow.id,
    schedules: [{ schedule: { cron: "0 3 * * *", timezone: "UTC" } }],
  });
  const listed = await run("deployment", "ls");
  expect(listed.stdout).toMatch(/etl\/nightly +NOT_READY +cron 0 3 \* \* \* UTC/);
  const made = JSON.parse(
    (await run("deployment", "run", "etl/nightly", "-p", "day=monday", "-p", "n=3", "-o", "json")).stdout,
  );
  expect(made).toMatchObject({ parameters: { day: "monday", n: 3 }, state_name: "Scheduled" });
  expect((await run("deployment", "pause", "etl/nightly")).stdout).toBe("Paused nightly.\n");
  expect((await run("deployment", "inspect", "etl/nightly")).stdout).toMatch(/status +PAUSED/);
  expect((await run("deployment", "delete", "etl/nightly")).stdout).toBe("Deleted nightly.\n");
  const gone = await run("deployment", "inspect", "etl/nightly");
  expect([gone.code, gone.stderr]).toEqual([
    1,
    'error: there is no deployment "etl/nightly"; "sluice deployment ls" lists them.\n',
  ]);
});
