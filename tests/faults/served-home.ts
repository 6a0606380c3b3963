import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Probed } from "./health-probe.ts";

const BIN = fileURLToPath(new URL("../../packages/sluice/bin/sluice.js", import.meta.url));
const PROBE = new URL("./health-probe.ts", import.meta.url);

/** How a server did while something happened to it. */
export interface Condition {
  readonly healthP99Ms: number;
  readonly healthWorstMs: number;
  /** From before to the highest point, in MB. */
  readonly rssGrowthMb: number;
}

/** A server in a process of its own, with a home of its own, that is watched. */
export interface ServedHome {
  readonly port: number;
  readonly apiUrl: string;
  /** What the process wrote to standard error. */
  readonly log: () => string;
  /** Does something, over and over for `forMs` (once by default), and tells how the server was meanwhile. */
  watch(act: () => Promise<void>, forMs?: number): Promise<Condition>;
  close(): Promise<void>;
}

/** Starts `sluice server start` on a free port. @param env settings beside the home */
export async function serveHome(env: Readonly<Record<string, string>> = {}): Promise<ServedHome> {
  const home = mkdtempSync(join(tmpdir(), "sluice-faults-"));
  const child = spawn(process.execPath, [BIN, "server", "start", "--port", "0"], {
    env: { PATH: process.env["PATH"], SLUICE_HOME: home, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const port = await portOf(child);
  const probe = new Worker(PROBE, { workerData: { port, pid: child.pid } });
  const take = async (): Promise<Probed> => {
    probe.postMessage("take");
    const [probed] = (await once(probe, "message")) as [Probed];
    return probed;
  };
  return {
    port,
    apiUrl: `http://127.0.0.1:${port}/api`,
    log: () => log,
    watch: async (act, forMs = 0) => {
      const before = (await take()).rssMb.at(-1) ?? Number.NaN;
      const endMs = performance.now() + forMs;
      do await act();
      while (performance.now() < endMs);
      return conditionOf(await take(), before);
    },
    close: async () => {
      await probe.terminate();
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGTERM")) await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  for (;;) {
    const port = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
    if (child.exitCode !== null) throw new Error(`the server ended before it listened: ${text}`);
    await Promise.race([once(child, "exit"), child.stdout && once(child.stdout, "data")]);
  }
}

function conditionOf({ latenciesMs, rssMb }: Probed, before: number): Condition {
  const sorted = latenciesMs.toSorted((one, other) => one - other);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Infinity;
  return {
    healthP99Ms: at(0.99),
    healthWorstMs: at(1),
    rssGrowthMb: Math.max(...rssMb) - (Number.isNaN(before) ? (rssMb[0] ?? 0) : before),
  };
}
