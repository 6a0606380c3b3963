import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  allowFailure,
  asCompleted,
  ConcurrentTaskRunner,
  flow,
  gather,
  getRunLogger,
  INPUTS,
  ProcessPoolTaskRunner,
  runContext,
  task,
  ThreadPoolTaskRunner,
  type TaskRunner,
} from "sluice";
import { DaskTaskRunner } from "sluice/dask";
import { RayTaskRunner } from "sluice/ray";

/*
 * A program for `conformance.test.ts`: `node conformance.fixture.ts RUNNER FOLDER [PYTHON]` runs a flow on that runner that uses all there is, and prints what came of it.
 */
const [, , name = "", folder = "", python = ""] = process.argv;

function runnerOf(kind: string): TaskRunner {
  if (kind === "thread") return new ThreadPoolTaskRunner({ maxWorkers: 2 });
  if (kind === "process") return new ProcessPoolTaskRunner({ maxWorkers: 2 });
  const clusterKwargs = { n_workers: 2, threads_per_worker: 1, dashboard_address: ":0" };
  if (kind === "dask") return new DaskTaskRunner({ python, clusterKwargs });
  if (kind === "ray") return new RayTaskRunner({ python, initKwargs: { num_cpus: 2 } });
  return new ConcurrentTaskRunner();
}

/** Counts calls in a file, since bodies run in many processes. */
function count(file: string): number {
  appendFileSync(file, ".");
  return readFileSync(file).length;
}

const add = task("add", (a: number, b: number) => a + b);
const sum = task("sum", (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0));
const fail = task("fail", (message: string) => {
  throw new RangeError(message, { cause: new TypeError("the cause") });
});
const describeError = task("describe-error", (error: unknown) =>
  error instanceof RangeError ? `${error.message}, ${String(error.cause)}` : "no RangeError",
);
const flaky = task("flaky", { retries: 3, retryDelaySeconds: 0.05 }, (file: string) => {
  const call = count(file);
  if (call < 3) throw new Error(`call ${call}`);
  return [call, runContext().runCount];
});
const cached = task("cached", { cachePolicy: INPUTS }, (file: string) => count(file));
const slow = task("slow", { timeoutSeconds: 0.3, graceMs: 200 }, () => delay(3_000));
const waits = task("waits", { graceMs: 200 }, async (file: string) => {
  count(file);
  await delay(60_000, undefined, { signal: runContext().signal });
});
const logs = task("logs", (line: string) => getRunLogger().info(line));
const large = task("large", (bytes: number) => new Uint8Array(bytes).fill(7));
const lengthOf = task("length-of", (bytes: Uint8Array) => [bytes.length, bytes[5]]);
const after = task("after", async (ms: number) => {
  await delay(ms);
  return ms;
});
const exits = task("exits", () => process.exit(3));
const tree = flow("tree", async (depth: number): Promise<number> => {
  if (depth === 0) return add(0, 1);
  const below = await gather(tree.with({ taskRunner: runnerOf("") }).map([depth - 1, depth - 1]));
  return sum(below);
});
const failingFlow = flow("failing-flow", async () => fail("in a flow"));

const conformance = flow("conformance", async (kind: string, files: string) => {
  const cancelled = waits.submit(join(files, "waits"));
  while (!existsSync(join(files, "waits"))) await delay(10);
  cancelled.cancel("not needed");
  const order: number[] = [];
  for await (const future of asCompleted([after.submit(4000), after.submit(10)])) order.push(await future);
  const failed = fail.submit("no");
  const crashed = kind === "concurrent" ? undefined : await exits.submit().wait();
  const states = [await cancelled.wait(), await slow.submit().wait(), await failingFlow.submit().wait()];
  await logs.submit(`logged on ${kind}`);
  return {
    values: await gather(add.map([1, 2, 3], [10, 20, 30])),
    futures: await sum.submit([add.submit(1, 2), add.submit(add.submit(3, 4), 5)]),
    error: await describeError.submit(allowFailure(failed)),
    states: states.map((state) => [state.type, state.name, state.message]),
    retried: await flaky.submit(join(files, "flaky")),
    cached: [await cached.submit(join(files, "cached")), await cached.submit(join(files, "cached"))],
    large: await lengthOf.submit(large.submit(3_000_000)),
    order,
    tree: await gather(tree.map([2, 2])),
    crashed: crashed === undefined ? "CRASHED" : crashed.type,
  };
});

if (import.meta.main) {
  console.log(JSON.stringify(await conformance.with({ taskRunner: runnerOf(name) })(name, folder)));
}
