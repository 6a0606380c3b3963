import { execFileSync, spawn } from "node:child_process";
import { defineFunction } from "../engine/functions/function-registry.ts";
import { haltIfImporting } from "../engine/functions/import-halt.ts";
import type { TaskRunner } from "../engine/task-runner.ts";
import type { FunctionReference, RunEnd, RunSpec } from "../wire/run-spec.ts";
import { localDask, localRay } from "./clusters.fixture.ts";
import { plainContext } from "./plain-engine.fixture.ts";
import { ProcessPoolTaskRunner } from "./process-pool-task-runner.ts";
import { ThreadPoolTaskRunner } from "./thread-pool-task-runner.ts";

/** Functions that the tests of runners carry, and the references they are found by. */
const references = new Map<string, FunctionReference>();

function carried<Args extends readonly unknown[]>(
  name: string,
  fn: (...args: Args) => unknown,
): (...args: Args) => unknown {
  references.set(name, defineFunction({ fn, name, kind: "task", definition: fn }));
  return (...args) => haltIfImporting(name) ?? fn(...args);
}

let count = 0;

/** A spec of the least content for one of the functions above. */
export function specOf(name: string, args: readonly unknown[] = [], depth = 1): RunSpec {
  const reference = references.get(name);
  if (reference === undefined) throw new Error(`no function "${name}" in the fixture`);
  count += 1;
  return {
    version: 1,
    kind: "task",
    run_id: `00000000-0000-7000-8000-${count.toString(16).padStart(12, "0")}`,
    run_name: `${name}-${count}`,
    function: reference,
    overrides: {},
    args,
    task_key: name,
    dynamic_key: String(count),
    task_inputs: {},
    parameters: null,
    flow_run_id: null,
    flow_run_name: null,
    flow_name: null,
    tags: [],
    log_prints: false,
    parent_task_run_id: null,
    parent_task_run_name: "",
    needs_tag_slots: false,
    depth,
    flow_parameters: null,
    run_count: 0,
    created_us: Date.now() * 1000,
    process_id: "00000000-0000-7000-8000-000000000000",
  };
}

/** The value of a completed end; throws the story of any other. */
export function valueOf(end: RunEnd): unknown {
  if (end.type === "completed") return end.value;
  throw new Error(`expected a completed run, got ${JSON.stringify(end)}`);
}

/** Computes for this long; nothing stops it but an end by force. */
function compute(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

carried("identity", (value: unknown) => value);
carried("add", (a: number, b: number) => a + b);
carried("pid", () => process.pid);
carried("environment", (name: string) => [process.env[name], process.cwd()]);
carried("compute", (ms: number) => compute(ms));
carried("busy", () => compute(60_000));
carried("wait", () => new Promise(() => setTimeout(() => undefined, 60_000)));
carried("wait deaf to TERM", () => {
  process.on("SIGTERM", () => undefined);
  compute(60_000);
});
carried("fail", (message: string) => {
  throw new RangeError(message, { cause: new TypeError("the cause") });
});
carried("exit", (code: number) => process.exit(code));
carried("throw later", () => {
  setTimeout(() => {
    throw new Error("thrown later");
  }, 1);
  return new Promise(() => undefined);
});
carried("reject later", () => {
  void Promise.reject(new Error("rejected by nobody's hand"));
  return new Promise(() => setTimeout(() => undefined, 60_000));
});
carried("eat memory", () => {
  const eaten: unknown[] = [];
  for (;;) eaten.push(Array.from({ length: 10_000 }, (_, index) => ({ index })));
});
carried("kill", (signal: NodeJS.Signals) => {
  process.kill(process.pid, signal);
  compute(10_000);
});
carried("give a function", () => ({ handlers: [1, 2, { on: () => 1 }] }));
carried("print", (line: string) => void process.stdout.write(line));
carried("leave a child", () => {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  return [process.pid, child.pid];
});
carried("compute with a child", async (file: string) => {
  const { writeFileSync } = await import("node:fs");
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  writeFileSync(file, JSON.stringify([process.pid, child.pid]));
  compute(60_000);
});
carried("shell", (command: string) => execFileSync("/bin/sh", ["-c", command]).toString());

/** Submits to the pool of this worker's parent (or to a pool of another kind) and waits with the slot given back. */
async function gatherFrom(
  runner: TaskRunner,
  name: string,
  argsOf: readonly (readonly unknown[])[],
): Promise<unknown[]> {
  const context = plainContext();
  if (context === undefined) throw new Error("called outside a run");
  const { host, spec } = context;
  const attached = host.attachRunner(runner.description) ?? runner;
  const ends = argsOf.map((args) =>
    attached.carry(specOf(name, args, spec.depth + 1), { signal: host.signal, graceMs: 1000, timeoutMs: null }),
  );
  host.slot.release();
  const settled = await Promise.all(ends);
  await host.slot.regain();
  return settled.map(valueOf);
}

type PoolKind = "thread" | "process" | "dask" | "ray";

function runnerOf(kind: PoolKind, maxWorkers: number): TaskRunner {
  if (kind === "dask") return localDask(maxWorkers);
  if (kind === "ray") return localRay(maxWorkers);
  return kind === "thread" ? new ThreadPoolTaskRunner({ maxWorkers }) : new ProcessPoolTaskRunner({ maxWorkers });
}

/** A tree of runs: `widths[0]` children, each with `widths[1]` children of its own, …; kinds of pools by level. Gives the number of leaves. */
carried("tree", async (kinds: readonly PoolKind[], maxWorkers: number, widths: readonly number[]): Promise<number> => {
  const [width, ...below] = widths;
  const [kind = "thread", ...kindsBelow] = kinds;
  if (width === undefined) return 1;
  const args = Array.from({ length: width }, () => [kindsBelow.length === 0 ? [kind] : kindsBelow, maxWorkers, below]);
  const counts = await gatherFrom(runnerOf(kind, maxWorkers), "tree", args);
  return counts.reduce<number>((sum, leaves) => sum + Number(leaves), 0);
});

/** Submits a computing run to the process pool that it is in itself, and waits for it. */
carried("hold a child", async (file: string) => {
  await gatherFrom(new ProcessPoolTaskRunner({ maxWorkers: 2 }), "compute with a child", [[file]]);
});

/** Submits a computing run to the process pool that it is in itself, and computes. */
carried("compute beside a child", async (file: string) => {
  void gatherFrom(new ProcessPoolTaskRunner({ maxWorkers: 2 }), "compute with a child", [[file]]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  compute(60_000);
});

/** Holds a nested process pool whose worker writes its id and computes. */
carried("nest a busy process", async (file: string) => {
  await gatherFrom(new ProcessPoolTaskRunner({ maxWorkers: 1, env: { NESTED: "yes" } }), "compute with a child", [
    [file],
  ]);
});
