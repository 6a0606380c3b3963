import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { inflateSync } from "node:zlib";
import { flow, gather, getRunLogger, pyTask, PythonError, task } from "sluice";
import { DaskTaskRunner } from "sluice/dask";
import { RayTaskRunner } from "sluice/ray";

/*
 * A program for the tests of this folder: `node flows.fixture.ts FLOW [JSON of its arguments]` prints the flow's value as JSON. It is told by its environment which cluster to use, and
 * where its bodies note that they ran; the cluster's nodes get the same environment.
 */
const env = {
  /** "dask", "ray", or "ray-jobs" for flows that go to a running cluster of Ray as jobs. */
  TEST_ENGINE: process.env["TEST_ENGINE"] ?? "dask",
  /** Address of a running cluster; "" for a temporary one. */
  TEST_ADDRESS: process.env["TEST_ADDRESS"] ?? "",
  TEST_MARKS: process.env["TEST_MARKS"] ?? "",
  TEST_PYTHON: process.env["TEST_PYTHON"] ?? "",
};
/** What a job server asks for: not told to the nodes. */
const headers = { Authorization: process.env["TEST_AUTHORIZATION"] ?? "" };
const address = env.TEST_ADDRESS;
const python = env.TEST_PYTHON;
const onDask =
  address === ""
    ? { python, clusterKwargs: { n_workers: 2, threads_per_worker: 1, dashboard_address: ":0" }, env }
    : { address, env };
const submitOptions = { metadata: { team: "tests" }, runtime_env: { env_vars: { TEST_WORD: "as given" } } };
const runners = {
  ray: () => new RayTaskRunner({ python, initKwargs: { num_cpus: 2 }, env }),
  // Without a Python: nothing here may need one.
  "ray-jobs": () => new RayTaskRunner({ jobs: { url: address, headers, submitOptions }, env }),
  dask: () => new DaskTaskRunner(onDask),
};
const runner = runners[env.TEST_ENGINE as keyof typeof runners]();

function mark(what: string): void {
  appendFileSync(env.TEST_MARKS, `${what} ${process.pid} ${process.ppid}\n`);
}

export const heavyComputation = task("heavy-computation", { tags: ["heavy"] }, (x: number) => {
  mark(`heavy ${x}`);
  return x * x;
});

export const subflow = flow("subflow", { taskRunner: runner, logPrints: true }, async (n: number) => {
  mark(`subflow ${n}`);
  console.log(`mapping over ${n}`);
  return gather(heavyComputation.map(Array.from({ length: n }, (_, i) => i)));
});

/** The question the product came from: parallel subflows, each mapping a task, on one cluster. */
export const master = flow("master", { taskRunner: runner }, async (sizes: number[]) => gather(subflow.map(sizes)));

/** Subflows of subflows of subflows, each waiting for those below it. */
export const deep = flow("deep", { taskRunner: runner }, async (depth: number): Promise<number> => {
  if (depth === 0) return 1;
  const below = await gather(deep.map([depth - 1, depth - 1]));
  return below.reduce((sum, leaves) => sum + leaves, 0);
});

const failing = task("failing", (x: number) => {
  if (x > 0) throw new RangeError(`no ${x}`, { cause: new TypeError("the cause") });
});
export const fails = flow("fails", { taskRunner: runner }, async () => {
  const state = await failing.submit(1).wait();
  if (state.type === "COMPLETED") throw new Error("expected a failure");
  const { error } = state;
  return {
    isRange: error instanceof RangeError,
    message: error.message,
    cause: String(error.cause),
    stack: error.stack,
  };
});

/** One step of a flow whose finished steps are kept. */
const step = task("step", { persistResult: true, retries: 2 }, async (n: number) => {
  mark(`step ${n}`);
  await delay(100);
  mark(`step-done ${n}`);
  return n * n;
});
export const steps = flow("steps", { retries: 4 }, async (k: number) => {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += await step(k * 10 + i);
  return sum;
});
const loose = task("loose", { retries: 4 }, async (n: number) => {
  mark(`loose ${n}`);
  await delay(150);
  return -n;
});
export const durable = flow("durable", { taskRunner: runner }, async () => {
  const sums = steps.map([1, 2, 3, 4]);
  const others = loose.map([1, 2, 3, 4, 5, 6]);
  return [await gather(sums), await gather(others)];
});

const endless = task("endless", () => {
  mark("endless");
  for (const end = Date.now() + 120_000; Date.now() < end;);
});
export const inEndless = flow("in-endless", { taskRunner: runner }, async () => {
  mark("in-endless");
  await endless.submit();
});
/** Waits for a file that the test makes when it has seen enough. */
async function untilToldToStop(): Promise<void> {
  while (!existsSync(`${env.TEST_MARKS}.stop`)) await delay(20);
}
/** Cancels a subflow whose task computes on another process. */
export const cancels = flow("cancels", { taskRunner: runner }, async () => {
  const child = inEndless.submit();
  await untilToldToStop();
  child.cancel("not needed any more");
  const state = await child.wait();
  return [state.type, state.message];
});
export const waits = flow("waits", { taskRunner: runner }, async () => {
  await inEndless.submit();
});

export const ordered = flow("ordered", { taskRunner: runner }, async () => {
  const order: string[] = [];
  const note = async (name: string, priority: number): Promise<void> => {
    await nap.with({ dask: { priority, workers: ["w1"] } }).submit(name);
    order.push(name);
  };
  const busy = nap.with({ dask: { workers: ["w1"] } }).submit("busy");
  await Promise.all([note("low", -1), note("middle", 0), note("high", 5), busy]);
  return order;
});
const nap = task("nap", async (name: string) => {
  await delay(150);
  return name;
});

const query = task("query", { tags: ["db"] }, async (n: number) => {
  mark(`begin ${n}`);
  await delay(100);
  mark(`end ${n}`);
  return n;
});
/** Tasks of a tag that may have a limit, submitted from here and from a node. */
export const queries = flow("queries", { taskRunner: runner }, async () => {
  const there = moreQueries.submit();
  return [await gather(query.map([1, 2, 3])), await there];
});
const moreQueries = flow("more-queries", { taskRunner: runner }, async () => gather(query.map([4, 5, 6])));

const make = task("make", (bytes: number) => Buffer.alloc(bytes, 7));
const measure = task("measure", (value: Uint8Array, others: readonly Uint8Array[]) => [
  value.length,
  value[9],
  others.map((other) => other.length),
]);
export const large = flow("large", { taskRunner: runner }, async () => {
  const big = make.submit(8 * 1024 * 1024);
  const small = make.submit(1000);
  const there = await measure.submit(big, [small, big]);
  const here = await big;
  return [there, here.length, here[9]];
});

const logs = task("logs", () => {
  getRunLogger().info("from the node");
});
export const logged = flow("logged", { taskRunner: runner }, async () => {
  await logs.submit();
});

const killsWorker = task("kills-worker", async () => {
  mark("kills-worker");
  process.kill(process.ppid, "SIGKILL");
  await delay(10_000);
});
export const killing = flow("killing", { taskRunner: runner }, async () => {
  const state = await killsWorker.submit().wait();
  return [state.type, state.message];
});
const starved = task("starved", () => 1);
export const starving = flow("starving", { taskRunner: runner }, async () => {
  const run = starved.with({ dask: { resources: { GPU: 1 } } }).submit();
  await untilToldToStop();
  run.cancel("waited long enough");
  return (await run.wait()).type;
});

const squareRoot = pyTask<[number], number>("math:sqrt");
const checksum = pyTask<[Uint8Array], number>("zlib:crc32");
const compress = pyTask<[Uint8Array], Uint8Array>("zlib:compress");
const upper = pyTask<[string], string>("builtins:str.upper");
/** Python's functions beside our own, each given what the other made. */
export const inPython = flow("in-python", { taskRunner: runner }, async () => {
  const bytes = await make.submit(3 * 1024 * 1024);
  const failed = await squareRoot.submit(-1).wait();
  if (failed.type === "COMPLETED") throw new Error("expected a failure");
  const { error } = failed;
  return {
    root: await squareRoot.submit(heavyComputation.submit(12)),
    checksum: await checksum.submit(bytes),
    compressed: inflateSync(await compress.submit(bytes)).equals(bytes),
    upper: await gather(upper.map(["a", "b"])),
    error:
      error instanceof PythonError ? [error.type, error.message, /Traceback/.test(error.stack ?? "")] : String(error),
  };
});

/** For a cluster that only flows are submitted to. */
const failsInside = flow("fails-inside", () => {
  console.log("a line of the job");
  // No text, which Ray cannot read a log with.
  process.stdout.write(Buffer.from([0xff, 0x0a]));
  throw new RangeError("no 1", { cause: new TypeError("the cause") });
});
const measured = flow("measured", { taskRunner: runner }, async (value: Uint8Array) => measure.submit(value, [value]));
const makes = flow("makes", (bytes: number) => Buffer.alloc(bytes, 7));
const survives = flow("survives", { retries: 1 }, async () => {
  mark("survives");
  while (!existsSync(`${env.TEST_MARKS}.stop`)) await delay(20);
  return "survived";
});
const word = task("word", () => process.env["TEST_WORD"]);
const worded = flow("worded", { taskRunner: runner }, async () => [process.env["TEST_WORD"], await word.submit()]);
const above = flow("above", { taskRunner: runner }, async () => endOfRun(inEndless.submit()));
const spinning = flow("spinning", () => {
  mark("spinning");
  for (const end = Date.now() + 240_000; Date.now() < end;);
});
async function endOfRun(run: { wait(): Promise<{ readonly type: string; readonly message: string | null }> }) {
  const { type, message } = await run.wait();
  return [type, message];
}
const asJobs = {
  value: flow("value", { taskRunner: runner }, async () => measured.submit(Buffer.alloc(3 * 1024 * 1024, 7))),
  error: flow("error", { taskRunner: runner }, async () => {
    const state = await failsInside.submit().wait();
    if (state.type === "COMPLETED") throw new Error("expected a failure");
    const { error } = state;
    return [error instanceof RangeError, error.message, String(error.cause), error.stack];
  }),
  tooLarge: flow("too-large", { taskRunner: runner }, async () => endOfRun(makes.submit(9 * 1024 * 1024))),
  killed: flow("killed", { taskRunner: runner }, async () => survives.submit()),
  placed: flow("placed", { taskRunner: runner }, async () => worded.with({ ray: { num_cpus: 1 } }).submit()),
  misplaced: flow("misplaced", { taskRunner: runner }, async () => worded.with({ ray: { max_retries: 1 } }).submit()),
  /** A job whose own subflow somebody cancels at the server. */
  nested: flow("nested", { taskRunner: runner }, async () => above.submit()),
  spins: flow("spins", { taskRunner: runner }, async () => gather([spinning.submit(), inEndless.submit()])),
  lonely: flow("lonely", { taskRunner: runner }, async () => endOfRun(nap.submit("lonely"))),
};

const flows = {
  ...asJobs,
  killing,
  starving,
  python: inPython,
  master,
  deep,
  fails,
  durable,
  cancels,
  waits,
  ordered,
  queries,
  large,
  logged,
};
if (import.meta.main) {
  const [, , name = "", args = "[]"] = process.argv;
  const chosen = flows[name as keyof typeof flows] as (...values: unknown[]) => Promise<unknown>;
  console.log(JSON.stringify((await chosen(...(JSON.parse(args) as unknown[]))) ?? null));
}
