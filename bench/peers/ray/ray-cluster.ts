import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ClusterStart } from "../../cluster/measure-cluster.ts";
import { endProcess, freePort } from "../../program.ts";

const START_TIMEOUT_MS = 120_000;
/** On a busy machine a node gives up when its agent is not there after 15 s; another try is likely to come up. */
const START_ATTEMPTS = 3;
/** Far more than the echoes hold, and far less than the 30 % of memory that Ray takes by default. */
const OBJECT_STORE_BYTES = 512 * 2 ** 20;

const SETTINGS = {
  // Above the CPUs Ray ends workers that were idle for a second: each of two clients that take turns would start its own anew in every round.
  RAY_num_workers_soft_limit: "8",
  // By default 15: on a machine with other work the cluster's part of a speed-up would wait for all else, the sequential part would not.
  RAY_worker_niceness: "0",
  // Seconds that a node, asked to end, waits for its work to be over; by default 30.
  RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S: "0",
};

/**
 * Runs `use` with the address of a Ray cluster of one node of this machine; it is ended afterwards.
 *
 * It stays in the foreground as a child of this process, because `ray stop` would end every cluster of the machine.
 *
 * @throws Error with Ray's last words when it has not come up after three attempts
 */
export async function withRay<T>(plan: ClusterStart, use: (address: string) => Promise<T>): Promise<T> {
  // Short, because a path of a socket below it has 107 characters at most.
  const folder = await mkdtemp(join(tmpdir(), "slray-"));
  let node: Node | undefined;
  try {
    node = await startNode(plan, folder);
    return await use(node.address);
  } finally {
    if (node !== undefined) await endProcess(node.child);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

interface Node {
  readonly child: ChildProcess;
  readonly address: string;
}

async function startNode(plan: ClusterStart, folder: string): Promise<Node> {
  let words = "";
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    // Of the system's range for such ports, which lies above those that Ray keeps for its workers.
    const port = await freePort();
    const { environment, workers, env } = plan;
    const place = ["--port", String(port), "--temp-dir", folder, "--include-dashboard", "false"];
    const size = ["--num-cpus", String(workers), "--object-store-memory", String(OBJECT_STORE_BYTES)];
    const child = spawn(environment.program("ray"), ["start", "--head", "--block", ...place, ...size], {
      env: { ...env, ...SETTINGS },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = untilStarted(child);
    if (await output.isUp) return { child, address: `127.0.0.1:${port}` };
    await endProcess(child);
    words = output.lastWords();
  }
  throw new Error(`Ray has not started after ${START_ATTEMPTS} attempts. ${words}`);
}

/** Reads what a node prints, to its end: a full pipe would stop it. `isUp` is false when it has ended, or is not up in time. */
function untilStarted(child: ChildProcess): { readonly isUp: Promise<boolean>; lastWords(): string } {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("A child has the pipes that it was given.");
  const lines: string[] = [];
  const isUp = Promise.withResolvers<boolean>();
  for (const input of [stdout, stderr]) {
    createInterface({ input }).on("line", (line) => {
      lines.push(line);
      if (line.includes("Ray runtime started")) isUp.resolve(true);
    });
  }
  const timer = setTimeout(() => isUp.resolve(false), START_TIMEOUT_MS);
  child.once("exit", () => isUp.resolve(false));
  void isUp.promise.then(() => clearTimeout(timer));
  return { isUp: isUp.promise, lastWords: () => lines.slice(-LAST_WORDS).join("\n") };
}

const LAST_WORDS = 20;
