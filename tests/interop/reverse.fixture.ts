import { setTimeout as delay } from "node:timers/promises";
import {
  createMarkdownArtifact,
  createTableArtifact,
  flow,
  gather,
  getRunLogger,
  pauseFlowRun,
  ProcessPoolTaskRunner,
  runContext,
  task,
  ThreadPoolTaskRunner,
} from "sluice";
import { z } from "zod";

/*
 * Flows for `reverse.test.ts`, which runs this file as a program of its own: `node reverse.fixture.ts <name of a flow> [argument]`. It prints a JSON line
 * when the flow has started, with its run's id, and one when it has ended.
 */

const add = task("add", { tags: ["sum"], version: "7" }, (a: number, b: number) => a + b);
const log = task("log", (text: string) => {
  getRunLogger().warning("seen: %s", text);
  return text.length;
});
const fails = task("fails", () => {
  throw new TypeError("as it should");
});

let tries = 0;
const flaky = task("flaky", { retries: 2, retryDelaySeconds: 0.05 }, () => {
  tries++;
  if (tries < 3) throw new Error(`try ${tries}`);
  return tries;
});

const child = flow("child", { flowRunName: "child-{name}", tags: ["young"] }, async (name: string) => {
  await createMarkdownArtifact({ key: `from-${name}`, markdown: `# ${name}` });
  return add(await log(name), 1);
});

let attempts = 0;
const retried = flow("retried", { flowRunName: "retried", retries: 1, retryDelaySeconds: 0.1 }, async () => {
  attempts++;
  await log("again");
  if (attempts === 1) await fails();
  return attempts;
});

const broken = flow("broken", { flowRunName: "broken", retries: 2, retryCondition: () => false }, async () => {
  await fails();
});

const crashing = flow("crashing", { flowRunName: "crashing", retries: 1 }, async () => {
  if (runContext().runCount === 1) process.kill(process.pid, "SIGKILL");
  return runContext().runCount;
});

/** Everything that a tree can hold. */
const tree = flow(
  "tree",
  { flowRunName: "tree", persistResult: true, taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 2 }) },
  async (size: number) => {
    started();
    const inline = await child("inline");
    const carried = child.map(["process-1", "process-2"]);
    const threaded = child.with({ taskRunner: new ThreadPoolTaskRunner({ maxWorkers: 1 }) }).submit("thread");
    const sum = add.with({ taskRunner: new ThreadPoolTaskRunner({ maxWorkers: 1 }) }).submit(carried[0] ?? 0, threaded);
    await createTableArtifact({ key: "table", table: [{ size }] });
    const flakyTries = await flaky();
    // A worker of its own: what dies with it is this run alone.
    const crashed = crashing.with({ taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 1 }) }).submit();
    const other = [await retried(), (await broken.safe()).type, await crashed];
    return { inline, all: await gather([...carried, threaded, sum]), flakyTries, other };
  },
);

const waiting = task("waiting", async () => {
  await delay(60_000, undefined, { signal: runContext().signal });
});
const endless = flow("endless", async () => waiting());
const cancelled = flow("cancelled", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 1 }) }, async () => {
  started();
  await gather([endless.submit(), waiting.with({ taskRunner: new ThreadPoolTaskRunner({ maxWorkers: 1 }) }).submit()]);
});

const limited = task("limited", { tags: ["one-at-a-time"] }, async (n: number) => {
  await delay(150);
  return n;
});
const limitedPart = flow("limited-part", async (n: number) => limited(n));
const crowd = flow("crowd", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 2 }) }, async () => {
  started();
  const threads = limited.with({ taskRunner: new ThreadPoolTaskRunner({ maxWorkers: 2 }) });
  return gather([...limited.map([1, 2]), limitedPart.submit(3), threads.submit(4), limited.submit(5)]);
});

/** Fails until the file has been run again as often as the server wants; what it is to wait for, the test does meanwhile. */
const stubborn = flow("stubborn", { retries: 1, retryDelaySeconds: 0.3 }, async (lives: number) => {
  if (runContext().runCount === 1) started();
  await delay(500);
  if (runContext().runCount < lives) throw new Error(`attempt ${runContext().runCount}`);
  return runContext().runCount;
});

const steps = flow("steps", async (count: number) => {
  started();
  for (let n = 0; n < count; n++) {
    await log(`step ${n}`);
    await delay(20);
  }
  return count;
});

const poll = { pollIntervalSeconds: 0.2 };
const approval = flow("approval", { flowRunName: "approval" }, async () => {
  await log("before");
  const schema = z.object({ approved: z.boolean(), by: z.string().default("nobody") });
  return pauseFlowRun({ ...poll, waitForInput: schema, inputDescription: "# Ship it?" });
});
/** Pauses by itself, in a subflow on a process, and for too short a time. */
const paused = flow("paused", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 1 }) }, async () => {
  started();
  await pauseFlowRun(poll);
  const answer = await approval.submit();
  await pauseFlowRun({ timeoutSeconds: 0.5 });
  return answer;
});

function started(): void {
  console.log(JSON.stringify({ started: runContext().flowRunId }));
}

const flows = { tree, cancelled, crowd, stubborn, steps, paused };
const [name = "", argument = "1"] = process.argv.slice(2);
if (name in flows) {
  // The test names one of the flows; those that take an argument take a number.
  const chosen = flows[name as keyof typeof flows] as typeof steps;
  const end = await chosen.safe(Number(argument));
  console.log(JSON.stringify({ ended: end.type, name: end.name, data: end.type === "COMPLETED" ? end.data : null }));
}
