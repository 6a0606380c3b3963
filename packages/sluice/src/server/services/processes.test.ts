import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ProcessNotice, ProcessRegistration } from "../../wire/processes.ts";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";

let folder: string;
let core: ServerCore;
let nowUs = 1_790_000_000_000_000;
const open = (): ServerCore =>
  ServerCore.open({ databaseFile: join(folder, "sluice.db"), leaseSeconds: 30, nowUs: () => nowUs++ });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-processes-"));
  core = open();
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function register(rest: Partial<ProcessRegistration> = {}): Promise<string> {
  const body = { id: newId(nowUs), pid: process.pid, hostname: "elsewhere", boot_id: "b", start_ticks: null, ...rest };
  const { status } = await core.handle({ method: "POST", path: "/api/sluice/processes", body: JSON.stringify(body) });
  expect(status).toBe(201);
  return body.id;
}
async function startRun(processId: string): Promise<string> {
  const id = newId(nowUs);
  const record = {
    kind: "flow",
    id,
    base: 0,
    transitions: [["RUNNING", "Running", nowUs]],
    run: { name: "r", flow_name: "f", parameters: {} },
  };
  await core.handle({
    method: "POST",
    path: "/api/sluice/run-records",
    body: JSON.stringify({ process_id: processId, records: [record] }),
  });
  return id;
}
const renew = (id: string, waitSeconds: number) =>
  core.handle({
    method: "POST",
    path: `/api/sluice/processes/${id}/renew`,
    body: JSON.stringify({ wait_seconds: waitSeconds }),
  });
const stateOf = (id: string) => core.store.flowRuns.byId(id)?.state_type;

test("a process that renews keeps its runs, one that is silent for its lease loses them", async () => {
  const [loud, silent] = [await register(), await register()];
  const [kept, lost] = [await startRun(loud), await startRun(silent)];
  for (let round = 0; round < 5; round++) {
    nowUs += 8_000_000;
    await renew(loud, 0);
    await core.reaper.tick();
  }
  expect([stateOf(kept), stateOf(lost)]).toEqual(["RUNNING", "CRASHED"]);
  expect(core.store.flowRuns.byId(lost)?.transitions).toContain("on elsewhere");
});

test("nobody is judged after the machine has slept", async () => {
  const run = await startRun(await register());
  nowUs += 3_600_000_000;
  expect(await core.reaper.tick()).toBe(0);
  expect(stateOf(run)).toBe("RUNNING");
});

test("a renew is answered at once when a run is to be cancelled", async () => {
  const id = await register();
  const run = await startRun(id);
  const answer = renew(id, 20);
  const row = core.store.flowRuns.byId(run);
  if (!row) throw new Error("the run is not stored");
  // The lease is written first; then the request is held.
  await core.store.write(() => undefined);
  expect(core.processes.tellCancelling(row)).toBe(true);
  const { body } = await answer;
  expect((JSON.parse(body) as ProcessNotice).cancelling).toEqual([run]);
  expect(JSON.parse((await renew(id, 0)).body)).toEqual({ cancelling: [] });
});

test("an unregistered process is told to register again", async () => {
  expect((await renew(newId(nowUs), 0)).status).toBe(404);
});

test("a process that is removed leaves no run open", async () => {
  const id = await register();
  const run = await startRun(id);
  expect((await core.handle({ method: "DELETE", path: `/api/sluice/processes/${id}` })).status).toBe(204);
  expect(stateOf(run)).toBe("CRASHED");
});

test("held renews are answered when the server closes", async () => {
  const answer = renew(await register(), 20);
  await core.store.write(() => undefined);
  core.stopHolding();
  expect((await answer).status).toBe(200);
});

test("a killed process of this host is found dead when the database is opened next", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  const boot = readBootId();
  const run = await startRun(await register({ pid: child.pid ?? 0, hostname: hostname(), boot_id: boot }));
  const alive = await startRun(await register({ pid: process.pid, hostname: hostname(), boot_id: boot }));
  child.kill("SIGKILL");
  await once(child, "exit");
  await core.close();
  core = open();
  await core.store.write(() => undefined);
  expect([stateOf(run), stateOf(alive)]).toEqual(["CRASHED", "RUNNING"]);
});

test("runs of an owner that never registered are given up after a lease", async () => {
  const run = await startRun(newId(nowUs));
  for (let round = 0; round < 6; round++) {
    await core.reaper.tick();
    nowUs += 8_000_000;
  }
  await core.reaper.tick();
  expect(stateOf(run)).toBe("CRASHED");
});

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "any"; // Not Linux: the boot is not looked at.
  }
}
