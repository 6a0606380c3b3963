import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { treeCpuUs } from "./process-tree.ts";
import type { Sample } from "./sample.ts";

/** What to run; the environment is this process's unless given. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** How a program that was run to its end did. */
export interface ProgramRun {
  readonly sample: Sample;
  readonly stdout: string;
}

/** Runs a program to its end as one sample; its CPU is counted in ticks of 10 ms. Rejects when it does not exit with 0. */
export async function sampleProgram(name: string, program: Program): Promise<ProgramRun> {
  const { command, args, env = process.env } = program;
  const cpuAtStart = treeCpuUs();
  const startMs = performance.now();
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  const [code, signal] = await once(child, "exit");
  const seconds = (performance.now() - startMs) / 1000;
  const cpuNow = treeCpuUs();
  if (!child.stdout.readableEnded) await once(child.stdout, "end");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code ?? signal}.`);
  const cpuUs = cpuNow === null || cpuAtStart === null ? null : cpuNow - cpuAtStart;
  return { sample: { name, n: 1, seconds, cpuUs, peakRssMb: null }, stdout };
}

/** Waits until an address answers with success; rejects after `timeoutSeconds`, or at once when `exited` says that nobody will. */
export async function untilHealthy(url: string, timeoutSeconds: number, exited: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + timeoutSeconds * 1000;
  while (performance.now() < deadlineMs) {
    if (exited()) throw new Error(`The server of ${url} ended before it was healthy.`);
    const healthy = await fetch(url).then(
      (answer) => answer.ok,
      () => false, // nobody listens yet
    );
    if (healthy) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${url} was not healthy after ${timeoutSeconds} s.`);
}

/** Short against any start that is measured, long enough not to take its CPU. */
const POLL_MS = 10;

/** Finds a TCP port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("A TCP server has no port.");
  return address.port;
}

const END_TIMEOUT_MS = 10_000;

/** Asks a process to end, because a command may supervise children that a kill would leave behind; kills it when it does not within ten seconds. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
