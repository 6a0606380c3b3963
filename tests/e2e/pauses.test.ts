import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HomePrograms, type Ended, type Program } from "./home-programs.ts";

/*
 * Flow runs that pause and are resumed from another terminal: real programs on one home, the command line, a process that is killed.
 */
const TIMEOUT_MS = 60_000;
const WAIT = { timeout: 20_000, interval: 200 };

let programs: HomePrograms;

beforeEach(() => {
  programs = new HomePrograms();
});
afterEach(() => programs.remove());

const sluice = (...args: string[]): Promise<Ended> => programs.sluice(...args);

/** Starts a program whose flow is called "main"; it prints how the run has ended. */
function program(body: string, options = "{}"): Program {
  return programs.script(
    "program",
    `     import { flow, gather, pauseFlowRun, ProcessPoolTaskRunner, runContext, task } from "sluice";
     import { z } from "zod";
     export const part = flow("part", { flowRunName: "part-{n}" }, async (n: number): Promise<number> => {
       await pauseFlowRun({ pollIntervalSeconds: 0.1 });
       return n * 10;
     });
     const main = flow("main", ${options}, async (): Promise<unknown> => { ${body} });
     const end = await main.safe();
     console.log(JSON.stringify({ type: end.type, name: end.name, message: end.message, data: end.type === "COMPLETED" ? end.data : null }));`,
  );
}

interface ListedRun {
  readonly id: string;
  readonly name: string;
  readonly state_type: string;
}

interface StateRow {
  readonly name: string;
  readonly state_details?: { readonly pause_key?: string };
}

async function paused(count: number): Promise<readonly ListedRun[]> {
  return vi.waitFor(async () => {
    const { stdout } = await sluice("flow-run", "ls", "--state", "PAUSED", "--output", "json");
    const runs = JSON.parse(stdout) as readonly ListedRun[];
    expect(runs).toHaveLength(count);
    return runs;
  }, WAIT);
}

async function statesOf(id: string): Promise<readonly string[]> {
  const { stdout } = await sluice("flow-run", "inspect", id, "--output", "json");
  const { states } = JSON.parse(stdout) as { readonly states: readonly { readonly name: string }[] };
  return states.map(({ name }) => name);
}

test("a run that asks for an input goes on with what fits it", { timeout: TIMEOUT_MS }, async () => {
  const { ended } = program(
    `const { approved, by = "nobody" } = await pauseFlowRun({
       pollIntervalSeconds: 0.1,
       waitForInput: z.object({ approved: z.boolean(), by: z.string().optional() }),
       inputDescription: "# Ship it?",
     });
     return { approved, by, runCount: runContext().runCount };`,
  );
  const [run] = await paused(1);
  const id = run?.id ?? "";
  const unfit = await sluice("flow-run", "resume", id, "--input", '{"approved": "maybe"}');
  expect(unfit).toMatchObject({ code: 1, stdout: "" });
  expect(unfit.stderr).toContain("cannot be resumed");
  expect(unfit.stderr).toContain("'maybe' is not of type 'boolean'");
  expect((await sluice("flow-run", "resume", id, "--input", "[1]")).code).toBe(2);
  expect(await sluice("flow-run", "resume", id, "--input", '{"approved": true, "by": "ann"}')).toMatchObject({
    code: 0,
    stderr: "",
  });
  const end = await ended;
  expect(end).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(end.stdout)).toMatchObject({
    type: "COMPLETED",
    data: { approved: true, by: "ann", runCount: 1 },
  });
  expect(await statesOf(id)).toEqual(["Pending", "Running", "Paused", "Running", "Completed"]);
  expect((await sluice("flow-run", "resume", id)).stderr).toContain("not paused");
});

test("subflows on a pool of one process pause at the same time", { timeout: TIMEOUT_MS }, async () => {
  const { ended } = program(
    "return gather(part.map([1, 2]));",
    "{ taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 1 }) }",
  );
  const runs = await paused(2);
  expect(runs.map(({ name }) => name).toSorted()).toEqual(["part-1", "part-2"]);
  const source = `import { resumeFlowRun } from "sluice";
     for (const id of process.argv.slice(2)) await resumeFlowRun(id);
     await resumeFlowRun(process.argv[2] ?? "").catch((error: Error) => console.log(error.message));`;
  const resumed = await programs.script("resume", source, ...runs.map(({ id }) => id)).ended;
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(resumed.stdout).toMatch(/cannot be resumed: Cannot resume a flow run that is not paused/);
  expect(JSON.parse((await ended).stdout)).toMatchObject({ type: "COMPLETED", data: [10, 20] });
  for (const { id } of runs)
    expect(await statesOf(id)).toEqual(["Pending", "Running", "Paused", "Running", "Completed"]);
});

test("a pause that nobody ends fails the run, without a retry", { timeout: TIMEOUT_MS }, async () => {
  const { ended } = program(
    `console.error("attempt " + runContext().runCount);
     await pauseFlowRun({ timeoutSeconds: 0.3, pollIntervalSeconds: 10 });`,
    "{ retries: 1 }",
  );
  const { stdout, stderr } = await ended;
  const failed = JSON.parse(stdout) as { readonly type: string; readonly message: string };
  expect(failed.type).toBe("FAILED");
  expect(failed.message).toMatch(/never resumed/);
  expect(stderr).toBe("attempt 1\n");
});

test(
  "a retry passes a pause with a key, with what was given, and stops at one without",
  { timeout: TIMEOUT_MS },
  async () => {
    const { ended } = program(
      `const poll = { pollIntervalSeconds: 0.1 };
     const { n } = await pauseFlowRun({ ...poll, key: "gate", waitForInput: z.object({ n: z.number() }) });
     await pauseFlowRun({ ...poll, key: "door" });
     await pauseFlowRun(poll);
     if (runContext().runCount === 1) throw new Error("once");
     return n;`,
      "{ retries: 1 }",
    );
    const inputs = [["--input", '{"n": 7}'], [], [], []];
    const keys: unknown[] = [];
    for (const input of inputs) {
      const [run] = await vi.waitFor(async () => {
        const runs = await paused(1);
        const { stdout } = await sluice("flow-run", "inspect", runs[0]?.id ?? "", "--output", "json");
        const { states } = JSON.parse(stdout) as { readonly states: readonly StateRow[] };
        const key = states.at(-1)?.state_details?.pause_key;
        expect(keys).not.toContain(key);
        keys.push(key);
        return runs;
      }, WAIT);
      expect(await sluice("flow-run", "resume", run?.id ?? "", ...input)).toMatchObject({ code: 0, stderr: "" });
    }
    expect(JSON.parse((await ended).stdout)).toMatchObject({ type: "COMPLETED", data: 7 });
    expect(keys).toEqual(["gate", "door", "3", "3-attempt-2"]);
  },
);

test("a paused run is cancelled, and is Crashed when its process dies", { timeout: TIMEOUT_MS }, async () => {
  const cancelled = program("await pauseFlowRun();");
  const [first] = await paused(1);
  expect(await sluice("flow-run", "cancel", first?.id ?? "")).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse((await cancelled.ended).stdout)).toMatchObject({ type: "CANCELLED", name: "Cancelled" });
  expect((await statesOf(first?.id ?? "")).at(-1)).toBe("Cancelled");
  const killed = program("await pauseFlowRun();");
  const [second] = await paused(1);
  killed.child.kill("SIGKILL");
  await killed.ended;
  await vi.waitFor(async () => expect((await statesOf(second?.id ?? "")).at(-1)).toBe("Crashed"), WAIT);
});

test("what cannot pause says why", { timeout: TIMEOUT_MS }, async () => {
  const { ended } = program(
    `const messages: string[] = [];
     const note = (error: Error): void => void messages.push(error.message);
     const inTask = task("in-task", async () => pauseFlowRun());
     await inTask().catch(note);
     await pauseFlowRun({ timeoutSeconds: -1 }).catch(note);
     await pauseFlowRun({ key: "No Key" }).catch(note);
     await pauseFlowRun({ waitForInput: z.string() }).catch(note);
     return messages;`,
  );
  const { data } = JSON.parse((await ended).stdout) as { readonly data: readonly string[] };
  expect(data).toEqual([
    expect.stringMatching(/called in task run "in-task-0"/),
    expect.stringMatching(/timeoutSeconds expected seconds above 0, got -1/),
    expect.stringMatching(/key expected lower-case letters, digits and dashes, got "No Key"/),
    expect.stringMatching(/waitForInput expected the schema of an object/),
  ]);
});
