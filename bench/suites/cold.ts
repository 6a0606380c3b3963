import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prefectColdCase } from "../peers/prefect/prefect-cold-case.ts";
import { treeCpuUs } from "../process-tree.ts";
import { freePort, sampleProgram, untilHealthy } from "../program.ts";
import type { Bench, BenchCase, Sample, Scale } from "../sample.ts";
import { startStopwatch } from "../stopwatch.ts";

const SMALLEST_FLOW = fileURLToPath(new URL("../flows/smallest-flow.ts", import.meta.url));
const SLUICE_BIN = fileURLToPath(new URL("./bin/sluice.js", import.meta.resolve("sluice/package.json")));
const SERVER_TIMEOUT_SECONDS = 30;

/** Starts: of the smallest program, of the command line, of the server, of a worker; and a call when everything is warm. */
export const cold: Bench = {
  name: "cold",
  about: "starts of programs, server and workers; a trivial call when all is warm",
  cases: (scale) => [
    coldCase("bare-node", scale, bareNode),
    coldCase("first-flow", scale, firstFlow),
    coldCase("flow", scale, laterFlow),
    coldCase("version", scale, versionCommand),
    coldCase("server", scale, server),
    coldCase("thread-worker", scale, (starts) => workerReady("thread", starts)),
    coldCase("process-worker", scale, (starts) => workerReady("process", starts)),
    coldCase("warm-call", scale, warmCalls),
    prefectColdCase,
  ],
};

function coldCase(id: string, scale: Scale, measureStarts: (starts: number) => Promise<readonly Sample[]>): BenchCase {
  return { id, timeoutSeconds: 120, measure: () => measureStarts(scale === "full" ? 5 : 1) };
}

async function repeat(starts: number, measureOnce: (index: number) => Promise<Sample>): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (let index = 0; index < starts; index++) samples.push(await measureOnce(index));
  return samples;
}

/** What Node itself costs: the floor of everything else here. */
function bareNode(starts: number): Promise<readonly Sample[]> {
  return repeat(starts, async () => {
    const { sample } = await sampleProgram("cold/bare-node", { command: process.execPath, args: ["--eval", "0"] });
    return { ...sample, peer: `node ${process.versions.node}` };
  });
}

async function smallestFlow(name: string, home: string): Promise<Sample> {
  const { sample, stdout } = await sampleProgram(name, {
    command: process.execPath,
    args: [SMALLEST_FLOW],
    env: { ...process.env, SLUICE_HOME: home },
  });
  const [value, peakKilobytes] = stdout.trim().split("\n").at(-1)?.split(" ") ?? [];
  if (value !== "42") throw new Error(`Expected the smallest flow to print 42, got: ${stdout}`);
  return { ...sample, peakRssMb: (Number(peakKilobytes) * 1024) / 1e6 };
}

/** In a home that does not exist yet: the database is made on the way. */
function firstFlow(starts: number): Promise<readonly Sample[]> {
  return repeat(starts, (index) => smallestFlow("cold/first-flow", join(caseHome(), String(index))));
}

async function laterFlow(starts: number): Promise<readonly Sample[]> {
  await smallestFlow("cold/first-flow", caseHome());
  return repeat(starts, () => smallestFlow("cold/flow", caseHome()));
}

function versionCommand(starts: number): Promise<readonly Sample[]> {
  return repeat(
    starts,
    async () =>
      (await sampleProgram("cold/version", { command: process.execPath, args: [SLUICE_BIN, "--version"] })).sample,
  );
}

async function server(starts: number): Promise<readonly Sample[]> {
  const first = await serverStart("cold/first-server");
  return [first, ...(await repeat(starts, () => serverStart("cold/server")))];
}

async function serverStart(name: string): Promise<Sample> {
  const port = await freePort();
  const watch = startStopwatch();
  const child = spawn(process.execPath, [SLUICE_BIN, "server", "start", "--port", String(port)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    await untilHealthy(`http://127.0.0.1:${port}/api/health`, SERVER_TIMEOUT_SECONDS, () => child.exitCode !== null);
    const sample = watch.sample(name, 1);
    return { ...sample, peakRssMb: (sample.peakRssMb ?? 0) - (process.resourceUsage().maxRSS * 1024) / 1e6 };
  } finally {
    if (child.exitCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
  }
}

/** From the first submit to a pool until the body runs there, the SDK and the user's module loaded. Each start has a pool of its own. */
async function workerReady(kind: "thread" | "process", starts: number): Promise<readonly Sample[]> {
  const { ProcessPoolTaskRunner, ThreadPoolTaskRunner } = await import("sluice");
  const { secondsUntilBody, trivial } = await import("../flows/start-clock.ts");
  await trivial();
  return repeat(starts, async (index) => {
    // Runners with equal options share a pool; another number of workers makes another pool.
    const options = { maxWorkers: index + 1 };
    const taskRunner = kind === "thread" ? new ThreadPoolTaskRunner(options) : new ProcessPoolTaskRunner(options);
    const cpuAtStart = treeCpuUs();
    const seconds = await secondsUntilBody.with({ taskRunner })();
    const cpuNow = treeCpuUs();
    const cpuUs = cpuNow === null || cpuAtStart === null ? null : cpuNow - cpuAtStart;
    return { name: `cold/${kind}-worker`, n: 1, seconds, cpuUs, peakRssMb: null };
  });
}

/** Top-level calls of a flow that does nothing, one after the other: each is acknowledged by the store before it returns. */
async function warmCalls(starts: number): Promise<readonly Sample[]> {
  const { trivial } = await import("../flows/start-clock.ts");
  const calls = starts * 100;
  for (let call = 0; call < calls; call++) await trivial();
  const watch = startStopwatch();
  for (let call = 0; call < calls; call++) await trivial();
  return [watch.sample("cold/warm-call", calls)];
}

function caseHome(): string {
  const home = process.env["SLUICE_HOME"];
  if (home === undefined) throw new Error("Expected SLUICE_HOME to be set by the process that started this case.");
  return home;
}
