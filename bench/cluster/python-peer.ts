import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

/** What is asked of every way to use the cluster: the names that the Python programs know too. */
export type ClusterJob = "noop-trips" | "noop-map" | "echo-trips" | "spin-all";

/** A way to use the cluster. */
export interface ClusterWay {
  /** Product and version when it is not Sluice. */
  readonly peer?: string;
  /** Does a job of n items and gives the seconds that were measured around its parts, within the program that did it. */
  run(job: ClusterJob, n: number): Promise<readonly number[]>;
}

/** Which Python runs which program, with which arguments. */
export interface PythonPeerPlan {
  readonly python: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs `use` with a Python program that measures what it is asked for, one line a job; see `answering.py`. The program is ended afterwards.
 *
 * A job rejects when the program has ended, which tells why on standard error.
 */
export async function withPythonPeer<T>(plan: PythonPeerPlan, use: (way: ClusterWay) => Promise<T>): Promise<T> {
  const { python, program, args, env } = plan;
  const child = spawn(python, [program, ...args], { env, stdio: ["pipe", "inherit", "inherit", "pipe"] });
  const ended = once(child, "exit");
  try {
    const { stdin } = child;
    const output = child.stdio[3];
    if (stdin === null || !(output instanceof Readable)) throw new Error("A child has the pipes that it was given.");
    const lines = createInterface({ input: output })[Symbol.asyncIterator]();
    const read = async (): Promise<unknown> => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`${program} ended before its answer.`);
      return JSON.parse(line.value);
    };
    // Proofs of the casts: answering.py writes a name first, then lists of seconds.
    const peer = (await read()) as string;
    const run = async (job: ClusterJob, n: number): Promise<readonly number[]> => {
      stdin.write(`${JSON.stringify({ job, n })}\n`);
      return (await read()) as readonly number[];
    };
    return await use({ peer, run });
  } finally {
    child.stdin?.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }
}

const STOP_TIMEOUT_MS = 10_000;
