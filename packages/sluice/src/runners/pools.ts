import type { ResourceLimits } from "node:worker_threads";
import type { HomeLink } from "../engine/far-side-port.ts";
import type { TaskRunner } from "../engine/task-runner.ts";
import type { RunnerDescription } from "../wire/run-spec.ts";
import type { FarSideStart } from "./messages.ts";
import type { Executor, ExecutorEvents } from "./pool/executor.ts";
import { startProcess } from "./pool/process-executor.ts";
import { startThread } from "./pool/thread-executor.ts";
import { WorkerPool } from "./pool/worker-pool.ts";
import { describe, requireLink, runnersRuntime } from "./runtime.ts";

/** The options of a thread or process runner, as its description holds them: checked, with every default filled in. */
export interface PoolOptions {
  readonly maxWorkers: number;
  readonly idleSeconds: number;
  readonly resourceLimits?: ResourceLimits;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string | null;
  readonly execArgv?: readonly string[] | null;
}

/**
 * Tells runners how their workers reach the store and which engine they run. Called by the session of the root process before its first submit.
 *
 * Workers that were started with another link finish what they hold and end; later submits start new ones.
 */
export function setHomeLink(link: HomeLink): void {
  const runtime = runnersRuntime();
  if (runtime.link !== null && runtime.link !== link) void closeRunners();
  runtime.link = link;
}

/** Gives the runner that carries for a description: the live pool of this thread or of one above, else a new pool here. */
export function poolFor(description: RunnerDescription, options: PoolOptions): TaskRunner {
  const runtime = runnersRuntime();
  const key = describe(description);
  const known = runtime.pools.get(key) ?? runtime.uplink?.attach(description);
  if (known !== undefined) return known;
  const pool = new WorkerPool({
    description,
    maxWorkers: options.maxWorkers,
    idleSeconds: options.idleSeconds,
    ledger: runtime.ledger,
    startExecutor: (events) => startExecutor(description, options, events),
  });
  runtime.pools.set(key, pool);
  return pool;
}

/** Asks a flow run that runs inside any worker of this thread to stop, also one that another run called there; unknown ids are ignored. */
export function cancelInWorkers(runId: string): void {
  for (const pool of runnersRuntime().pools.values()) pool.cancelRun(runId);
}

/**
 * Ends all workers in good order: open runs end first, far sides send what is unsent. Resolves when every worker is gone. A later submit starts new ones.
 */
export async function closeRunners(): Promise<void> {
  const { pools } = runnersRuntime();
  const closing = [...pools.values()];
  pools.clear();
  await Promise.all(closing.map((pool) => pool.close()));
}

function startExecutor(description: RunnerDescription, options: PoolOptions, events: ExecutorEvents): Executor {
  const link = requireLink();
  const { uplink } = runnersRuntime();
  const start: FarSideStart = {
    pools: [description, ...(uplink?.pools ?? [])],
    address: link.address,
    engineUrl: link.engineUrl,
    pythonFolder: link.pythonFolder,
  };
  if (description.kind === "thread") {
    return startThread({ start, homePort: link.connectThread(), resourceLimits: options.resourceLimits ?? {} }, events);
  }
  return startProcess(
    { start, env: options.env ?? {}, cwd: options.cwd ?? null, execArgv: options.execArgv ?? null },
    events,
  );
}
