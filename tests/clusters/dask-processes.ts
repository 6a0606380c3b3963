import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ownBin = fileURLToPath(new URL("../../.venv/dask/bin/", import.meta.url));
/** The Python with Dask that `npm test` makes. */
export const daskPython = join(ownBin, "python");
export const hasDask = existsSync(daskPython);

/** A scheduler and its workers, each a process of its own, as a team runs them. */
export interface DaskProcesses {
  readonly address: string;
  /** Process id of the scheduler. */
  readonly scheduler: number;
  /** Process ids of the workers' nannies: what `dask worker` starts. */
  readonly nannies: readonly number[];
  /** Process ids of the workers themselves, which run tasks. */
  workers(): readonly number[];
  startWorker(...options: readonly string[]): void;
  /** Ends all of it, by force. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;

/** Starts a scheduler and `workers` workers; resolves when all have come. */
export async function startDask(
  workers: number,
  options: { readonly threads?: number; readonly bin?: string; readonly tls?: readonly string[] } = {},
): Promise<DaskProcesses> {
  const { threads = 1, bin = ownBin, tls = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), "sluice-dask-"));
  const file = join(folder, "scheduler.json");
  const children: ChildProcess[] = [];
  const start = (...args: readonly string[]): void => {
    children.push(spawn(join(bin, "dask"), [...args, ...tls], { stdio: "ignore", detached: true, cwd: folder }));
  };
  const protocol = tls.length === 0 ? "tcp" : "tls";
  start(
    "scheduler",
    "--protocol",
    protocol,
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--scheduler-file",
    file,
    "--no-dashboard",
  );
  // It is there before it is written.
  await until("the scheduler's file", () => existsSync(file) && readFileSync(file, "utf8").trimEnd().endsWith("}"));
  const { address } = JSON.parse(readFileSync(file, "utf8")) as { readonly address: string }; // Dask's own
  const startWorker = (...args: readonly string[]): void =>
    start("worker", address, "--nthreads", String(threads), "--no-dashboard", "--local-directory", folder, ...args);
  for (let worker = 1; worker <= workers; worker++) startWorker("--name", `w${worker}`);
  const nannies = (): number[] => children.slice(1).flatMap(({ pid }) => pid ?? []);
  const running = (): number[] => nannies().flatMap((nanny) => childrenOf(nanny).filter(isWorker));
  await connected(join(bin, "python"), address, workers);
  return {
    address,
    scheduler: children[0]?.pid ?? 0,
    nannies: nannies(),
    workers: running,
    startWorker,
    stop: async () => {
      for (const { pid } of children) if (pid !== undefined) killGroup(pid);
      await Promise.all(children.map((child) => exited(child)));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the scheduler has this many workers. */
async function connected(python: string, address: string, workers: number): Promise<void> {
  const program = `from distributed import Client; Client("${address}").wait_for_workers(${workers}, timeout=60)`;
  const child = spawn(python, ["-c", program], { stdio: "ignore" });
  await exited(child);
  if (child.exitCode !== 0) throw new Error(`waited in vain for ${workers} workers at ${address}`);
}

/** Waits until something holds. @throws Error that names it, after a minute */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = START_LIMIT_MS,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs / 1000} s in vain for ${what}`);
    await delay(20);
  }
}

/** Ids of the processes that a process has started. */
export function childrenOf(pid: number): readonly number[] {
  try {
    // Each thread has children of its own.
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8");
      return text.split(" ").flatMap((id) => (id.trim() === "" ? [] : Number(id)));
    });
  } catch {
    return []; // it has ended
  }
}

function isWorker(pid: number): boolean {
  const command = commandOf(pid);
  return command.includes("spawn_main") && !command.includes("resource_tracker");
}

/** How a process was started; "" when it has ended. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Ids of all processes of this machine. */
export function processIds(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Node processes of Sluice's that live on this machine, on workers below `folder`. */
export function nodeProcesses(): readonly number[] {
  return processIds().filter((pid) => /\/sluice_[0-9a-f]+\/sdk\/.*far-side\/entry/.test(commandOf(pid)));
}

function killGroup(pid: number): void {
  // A worker's own process is of another group only where its nanny has made one.
  for (const child of childrenOf(pid)) kill(child);
  kill(-pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once("exit", () => resolve()));
}
