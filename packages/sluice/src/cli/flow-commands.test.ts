import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sluice, startSluice } from "./sluice-process.fixture.ts";

const SDK = new URL("../index.ts", import.meta.url).href;
let folder = "";
let home = "";

// One home for all commands of this file: they are told apart by their flows, and share it as terminals do.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-run-"));
  home = join(folder, "home");
  mkdirSync(home);
  writeFileSync(join(folder, "etl.ts"), ETL);
  writeFileSync(join(folder, "one.ts"), ONE);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ETL = `
import { flow, gather, getRunLogger, task } from "${SDK}";
const double = task("double", (n: number) => n * 2);
export const part = flow("part", { persistResult: true }, async (n: number) => {
  getRunLogger().info("part of %d", n);
  return gather(double.map(Array.from({ length: n }, (_, i) => i)));
});
export const whole = flow("whole", { persistResult: true }, async (sizes: number[], label: string = "x") => {
  console.log("printed by the flow");
  const lists = await gather(part.map(sizes));
  return { label, sum: lists.flat().reduce((a: number, b: number) => a + b, 0) };
});
export const broken = flow("broken", async () => {
  throw new TypeError("no such table");
});
export const patient = flow("patient", async () => {
  const { signal } = (await import("${SDK}")).runContext();
  await new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 50_000);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
});
export const talkative = flow("talkative", async () => {
  for (let line = 0; line < 100; line++) {
    console.log("a line");
    console.error("a line");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
});
export const stubborn = flow("stubborn", () => new Promise((resolve) => setTimeout(resolve, 50_000)));
await whole([1]);
throw new Error("a script's own call goes no further when it is only imported");
`;

const ONE = `
import { flow } from "${SDK}";
export const only = flow("only", async (n: number) => n + 1);
`;

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): ReturnType<typeof sluice> =>
  sluice(args, { home, cwd: folder, env });

interface PrintedRun {
  readonly id: string;
  readonly name: string;
  readonly state_type: string;
  readonly result: unknown;
}

test("runs a flow with parameters of each kind and prints its result on standard output", async () => {
  const { code, stdout, stderr } = await run(["run", "etl.ts:whole", "--param", "sizes=[2,3]", "label=hello"]);
  expect([code, stdout]).toEqual([0, 'printed by the flow\n{ "label": "hello", "sum": 8 }\n']);
  expect(stderr).toContain("Completed");
  expect(stderr).toMatch(/subflow runs +2 completed/);
  expect(stderr).toMatch(/task runs +5 completed/);
  expect(stderr).toMatch(/npx sluice flow-run inspect [0-9a-f-]{36}/);
});

test("prints nothing but the run with its result as JSON, and finds it again", async () => {
  const ran = await run(["run", "etl.ts:whole", "--params-json", '{"sizes": [1, 2]}', "--output", "json"]);
  const printed: PrintedRun = JSON.parse(ran.stdout);
  expect(printed).toMatchObject({
    state_type: "COMPLETED",
    result: { label: "x", sum: 2 },
    parameters: { sizes: [1, 2] },
  });
  expect(ran.stderr).toContain("printed by the flow");

  const inspected = await run(["flow-run", "inspect", printed.id.slice(0, -4), "-o", "json"]);
  expect(JSON.parse(inspected.stdout)).toMatchObject({ id: printed.id, result: { label: "x", sum: 2 } });
  const text = (await run(["flow-run", "inspect", printed.name])).stdout;
  expect(text).toContain(printed.id);
  for (const title of ["Tree", "States", "Parameters", "Result"]) expect(text).toContain(`\n${title}\n`);

  const logs = (await run(["flow-run", "logs", printed.id])).stdout;
  expect(logs).toContain("part of 1");
  expect(logs).toContain("part of 2");

  const tasks = await run(["task-run", "ls", "--flow-run", printed.id, "--state", "completed", "-o", "json"]);
  expect(JSON.parse(tasks.stdout)).toHaveLength(2);
});

test("runs a flow to its end when nobody reads what it prints; other commands are over then", async () => {
  const unread = (args: readonly string[]) => sluice(args, { home, cwd: folder, unread: true });
  expect((await unread(["run", "etl.ts:talkative"])).code).toBe(0);
  const runs: PrintedRun[] = JSON.parse((await run(["flow-run", "ls", "--flow", "talkative", "-o", "json"])).stdout);
  expect(runs.map(({ state_type }) => state_type)).toEqual(["COMPLETED"]);
  expect((await unread(["flow-run", "ls"])).code).toBe(0);
  expect((await unread(["flow-run", "inspect", "0000dead"])).code).toBe(1);
});

test("lists flow runs by flow and state, and flows", async () => {
  await run(["run", "one.ts", "n=1", "--quiet"]);
  await run(["run", "etl.ts:broken", "--quiet"]);
  const failed: PrintedRun[] = JSON.parse((await run(["flow-run", "ls", "--state", "failed", "-o", "json"])).stdout);
  expect(failed.map(({ state_type }) => state_type)).toEqual(["FAILED"]);
  const only: PrintedRun[] = JSON.parse((await run(["flow-run", "ls", "--flow", "only", "-o", "json"])).stdout);
  expect(only).toHaveLength(1);
  const table = (await run(["flow-run", "ls", "--flow", "only"])).stdout;
  expect(table.split("\n")[0]).toMatch(/^ID +FLOW +NAME +STATE +STARTED +TOOK$/);
  expect(table).toContain(only[0]?.id);
  const flows: { name: string }[] = JSON.parse((await run(["flow", "ls", "-o", "json"])).stdout);
  expect(flows.map(({ name }) => name)).toEqual(expect.arrayContaining(["broken", "only"]));
});

test("takes the only flow of a file without its name, and --quiet leaves standard error empty", async () => {
  expect(await run(["run", "one.ts", "n=41", "-q"])).toEqual({ code: 0, stdout: "42\n", stderr: "" });
});

test("ends with code 1 for a failed run and names the place in the user's code, without a stack", async () => {
  const { code, stdout, stderr } = await run(["run", "etl.ts:broken"]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/error: .*TypeError: no such table\n {2}at .*etl\.ts:\d+:\d+/);
  expect(stderr.match(/^\s+at /gm)).toHaveLength(1);
});

test.each([
  ["unreadable.ts", "\nconst sum = ;", /imported: Expression expected\n {2}at .*unreadable\.ts:2\n {2}\(/],
  ["throwing.ts", '\nthrow new Error("no settings");', /imported: no settings\n {2}at .*throwing\.ts:2:7\)?\n {2}\(/],
])("names the place at which %s, imported by the file of a flow, fails", async (name, source, told) => {
  writeFileSync(join(folder, name), source);
  writeFileSync(join(folder, "importing.ts"), `import "./${name}";\n${ONE}`);
  const { code, stderr } = await run(["run", "importing.ts"]);
  expect(code).toBe(1);
  expect(stderr).toMatch(told);
  expect(stderr.trimEnd().split("\n")).toHaveLength(3);
});

test.each([
  [["run", "etl.ts:nonsense"], 2, /no flow "nonsense" in etl\.ts.*whole/],
  [["run", "etl.ts:non\u001B[2Jsense"], 2, /no flow "non \[2Jsense" in/],
  [["run", "etl.ts"], 2, /etl\.ts.*(part|whole)/],
  [["run", "missing.ts:x"], 2, /missing\.ts/],
  [["run", "one.ts:only", "m=1"], 2, /m/],
  [["flow-run", "inspect", "0000dead"], 1, /there is no flow run "0000dead"/],
  [["flow-run", "cancel", "00000000-0000-4000-8000-000000000000"], 1, /there is no flow run/],
])("tells the mistake of %j in two lines", async (args, code, message) => {
  const ended = await run(args);
  expect(ended).toMatchObject({ code, stdout: "" });
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
});

test("cancels a run of another process, which ends with code 1; a run that is over cannot be cancelled", async () => {
  const running = startSluice(["run", "etl.ts:patient"], { home, cwd: folder });
  await running.printed("started");
  const [patient]: PrintedRun[] = JSON.parse((await run(["flow-run", "ls", "--flow", "patient", "-o", "json"])).stdout);
  const cancelled = await run(["flow-run", "cancel", patient?.id ?? ""]);
  expect(cancelled).toMatchObject({ code: 0, stderr: "" });
  const ended = await running.ended;
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain("Cancelled");
  const again = await run(["flow-run", "cancel", patient?.id ?? ""]);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain("nothing to cancel");
});

test.each([
  ["SIGINT", "Ctrl-C"],
  ["SIGTERM", "SIGTERM"],
] as const)("%s cancels the run by that name and ends with code 130", async (signal, how) => {
  const running = startSluice(["run", "etl.ts:patient"], { home, cwd: folder });
  await running.printed("started");
  running.kill(signal);
  const ended = await running.ended;
  expect(ended.code).toBe(130);
  expect(ended.stderr).toContain("Cancelling the run");
  expect(ended.stderr).toContain(`Cancelled by ${how}.`);
  const runs: PrintedRun[] = JSON.parse((await run(["flow-run", "ls", "--flow", "patient", "-o", "json"])).stdout);
  expect(runs.map(({ state_type }) => state_type)).not.toContain("RUNNING");
});

test("a second Ctrl-C ends the command at once", async () => {
  const running = startSluice(["run", "etl.ts:stubborn"], { home, cwd: folder });
  await running.printed("started");
  running.kill("SIGINT");
  await running.printed("Ctrl-C again");
  // The first Ctrl-C may come twice within 300 ms, from the terminal and from whoever started the command.
  await delay(400);
  running.kill("SIGINT");
  expect((await running.ended).code).toBe(130);
});

test("follows the log of a run until it is over", async () => {
  const running = startSluice(["run", "etl.ts:patient"], { home, cwd: folder });
  await running.printed("started");
  const [patient]: PrintedRun[] = JSON.parse(
    (await run(["flow-run", "ls", "--flow", "patient", "--state", "running", "-o", "json"])).stdout,
  );
  const following = startSluice(["flow-run", "logs", patient?.id ?? "", "--follow"], { home, cwd: folder });
  await following.printed("Beginning flow run");
  running.kill("SIGINT");
  const { code, stdout } = await following.ended;
  expect(code).toBe(0);
  expect(stdout).toContain("Finished in state Cancelled");
  await running.ended;
});

test("deletes a run with what belongs to it", async () => {
  const ran: PrintedRun = JSON.parse((await run(["run", "one.ts", "n=5", "-o", "json"])).stdout);
  expect((await run(["flow-run", "delete", ran.id])).stdout).toBe(`Deleted ${ran.name} (${ran.id}).\n`);
  expect((await run(["flow-run", "inspect", ran.id])).code).toBe(1);
});

test("tells a home that cannot be written to", async () => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  const { code, stderr } = await run(["flow-run", "ls"], { SLUICE_HOME: file });
  expect(code).toBe(1);
  expect(stderr).toContain("SLUICE_HOME_UNWRITABLE");
});

test("tells a server that is not there", async () => {
  const { code, stderr } = await run(["flow-run", "ls"], { SLUICE_API_URL: "http://127.0.0.1:9/api" });
  expect(code).toBe(1);
  expect(stderr).toContain("SLUICE_API_UNREACHABLE");
});
