import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterStart } from "../../cluster/measure-cluster.ts";
import { endProcess } from "../../program.ts";

const START_TIMEOUT_MS = 60_000;
/** Short against the start of Python, long enough not to take its CPU. */
const POLL_MS = 20;

/**
 * Runs `use` with the address of a scheduler on a free port of this machine, whose workers of one thread each are on their way; both are ended afterwards.
 *
 * Rejects when the scheduler ends by itself or has no address after a minute.
 */
export async function withDask<T>(plan: ClusterStart, use: (address: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-dask-"));
  const children: ChildProcess[] = [];
  const start = (...args: readonly string[]): ChildProcess => {
    const child = spawn(plan.environment.program("dask"), args, {
      cwd: folder,
      env: plan.env,
      stdio: ["ignore", "ignore", "inherit"],
    });
    children.push(child);
    return child;
  };
  try {
    const file = join(folder, "scheduler.json");
    const host = ["--host", "127.0.0.1", "--port", "0"];
    const scheduler = start("scheduler", ...host, "--scheduler-file", file, "--no-dashboard");
    const address = await addressIn(file, scheduler);
    for (let worker = 0; worker < plan.workers; worker++)
      start("worker", address, "--nthreads", "1", "--no-dashboard", "--local-directory", folder);
    return await use(address);
  } finally {
    // Workers first: they leave a scheduler that is there.
    for (const child of children.toReversed()) await endProcess(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function addressIn(file: string, scheduler: ChildProcess): Promise<string> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    if (scheduler.exitCode !== null) throw new Error(`dask scheduler ended with ${scheduler.exitCode}.`);
    const text = await readFile(file, "utf8").catch(() => ""); // not there yet
    const address = /"address":\s*"([^"]+)"/.exec(text)?.[1];
    if (address !== undefined) return address;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`dask scheduler has written no address into ${file} after ${START_TIMEOUT_MS / 1000} s.`);
}
