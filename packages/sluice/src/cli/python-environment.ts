import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadSettings } from "../client/settings.ts";
import { RefusedError } from "./command-error.ts";
import { printLines } from "./output.ts";

/** A Python environment that the runners find by themselves: `<home>/python/<name>`. */
export interface PythonEnvironment {
  /** "dask", "ray". */
  readonly name: string;
  /** What pip installs, such as `distributed==2026.8.0`. */
  readonly packages: readonly string[];
  /** Python to make it with; null: the newest fitting one on the PATH. */
  readonly python: string | null;
}

/** Fitting ones, the newest first. */
const INTERPRETERS = ["python3.13", "python3.12", "python3.11", "python3.10", "python3"];

/**
 * Makes an environment, unless it is there with these packages already.
 *
 * @throws RefusedError when there is no fitting Python, or pip fails: then nothing is left of it
 */
export async function installEnvironment(environment: PythonEnvironment): Promise<void> {
  const folder = join(loadSettings().home, "python", environment.name);
  const python = join(folder, "bin", "python");
  const stamp = join(folder, ".sluice-packages");
  const wanted = environment.packages.join("\n");
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    printLines([`${python} has ${environment.packages.join(", ")} already.`]);
    return;
  }
  const interpreter = environment.python ?? (await findInterpreter());
  printLines([`Making ${folder} with ${interpreter}: ${environment.packages.join(", ")} …`]);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  try {
    await step(interpreter, ["-m", "venv", folder]);
    await step(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...environment.packages]);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  writeFileSync(stamp, wanted);
  printLines([`${python} is ready, and found by the task runners of this home.`]);
}

async function findInterpreter(): Promise<string> {
  for (const interpreter of INTERPRETERS) {
    if (await isFitting(interpreter)) return interpreter;
  }
  throw new RefusedError(
    "there is no Python 3.10 or newer with its venv module on the PATH; install one (on Debian: apt install python3 python3-venv), or name it by --python.",
  );
}

async function isFitting(interpreter: string): Promise<boolean> {
  const program = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  const child = spawn(interpreter, ["-c", program], { stdio: "ignore" });
  const code = await exitOf(child).catch(() => 1);
  return code === 0;
}

/** Runs a step of the installation with its messages on standard error. */
async function step(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", process.stderr, process.stderr] });
  const code = await exitOf(child).catch((error: unknown) => {
    throw new RefusedError(
      `${command} could not be started: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
  if (code !== 0) throw new RefusedError(`${command} ${args.join(" ")} ended with ${code}; its messages are above.`);
}

/** The exit code of a child; rejects when it could not be started. */
async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}
