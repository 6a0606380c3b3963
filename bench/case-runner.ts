import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchCase, Sample, Scale } from "./sample.ts";

const CASE_PROCESS = fileURLToPath(new URL("./case-process.ts", import.meta.url));
/** How much of what a failed case printed last is shown. */
const OUTPUT_TAIL_CHARACTERS = 4000;

/**
 * Measures one case once, in a fresh process group with an empty home of its own; the home is removed afterwards.
 *
 * Rejects with what the case printed when it fails, and after `timeoutSeconds` of the case, when the whole group is killed.
 */
export async function runCase(benchName: string, benchCase: BenchCase, scale: Scale): Promise<Sample[]> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  const resultFile = join(folder, "samples.json");
  try {
    await runToEnd([CASE_PROCESS, benchName, benchCase.id, scale, resultFile], folder, benchCase.timeoutSeconds);
    // Proof of the cast: the file was written by case-process.ts from a value of this type.
    return JSON.parse(await readFile(resultFile, "utf8")) as Sample[];
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Environment of a case: settings of the shell would change what is measured, so none of ours or Prefect's passes. */
function caseEnvironment(folder: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(SLUICE|PREFECT|NODE_OPTIONS|NODE_V8_COVERAGE)/.test(name),
  );
  return { ...Object.fromEntries(inherited), SLUICE_HOME: join(folder, "home"), DO_NOT_TRACK: "1", NO_COLOR: "1" };
}

async function runToEnd(args: readonly string[], folder: string, timeoutSeconds: number): Promise<void> {
  const child = spawn(process.execPath, args, {
    detached: true, // a group of its own, so that nothing a case started outlives it
    env: caseEnvironment(folder),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keepTail = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_TAIL_CHARACTERS);
  };
  child.stdout.on("data", keepTail);
  child.stderr.on("data", keepTail);
  const killOnExit = (): void => killGroup(child);
  process.once("exit", killOnExit);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, timeoutSeconds * 1000);
  try {
    const end = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(signal ?? String(code)));
    });
    if (timedOut) throw new Error(`Not finished after ${timeoutSeconds} s. Its last output:\n${output}`);
    if (end !== "0") throw new Error(`The process of the case ended with ${end}. Its last output:\n${output}`);
  } finally {
    clearTimeout(timer);
    process.removeListener("exit", killOnExit);
    killGroup(child);
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // ESRCH: nobody is left in the group, which is the aim.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
