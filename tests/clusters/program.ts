import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { daskPython } from "./dask-processes.ts";

const cli = fileURLToPath(new URL("../../packages/sluice/bin/sluice.js", import.meta.url));
const flows = fileURLToPath(new URL("./flows.fixture.ts", import.meta.url));

/** How a program ended, and what it printed. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run as `sluice … ls --output json` prints it. */
export interface ListedRun {
  readonly id: string;
  readonly name: string;
  readonly state_type: string;
  readonly state_name: string;
  readonly parent_task_run_id: string | null;
  readonly run_count: number;
  readonly flow_run_id?: string | null;
  readonly tags: readonly string[];
}

/** What makes the cluster. */
export interface Engine {
  readonly name: "dask" | "ray" | "ray-jobs";
  readonly python: string;
  /** What the job server of a cluster asks for. */
  readonly authorization?: string;
}

/** A home of its own, the file where bodies note that they ran, and programs that use both. */
export class Bench {
  readonly home = mkdtempSync(join(tmpdir(), "sluice-clusters-"));
  readonly marksFile = join(this.home, "marks");
  readonly #address: string;
  readonly #engine: Engine;
  readonly #programs = new Set<ChildProcess>();

  /** @param address of the cluster; "" for a temporary one */
  constructor(address: string, engine: Engine = { name: "dask", python: daskPython }) {
    this.#address = address;
    this.#engine = engine;
  }

  /** Ends what still runs, and removes the home. */
  remove(): void {
    for (const program of this.#programs) program.kill("SIGKILL");
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Starts a flow of the fixture. */
  start(flow: string, ...args: readonly unknown[]): ChildProcess {
    return this.#start([flows, flow, JSON.stringify(args)]);
  }

  /** Runs a flow of the fixture to its end. */
  run(flow: string, ...args: readonly unknown[]): Promise<ProgramEnd> {
    return endOf(this.start(flow, ...args));
  }

  /** Runs a flow and gives its value. @throws Error with what it wrote when it fails */
  async valueOf(flow: string, ...args: readonly unknown[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.run(flow, ...args);
    if (code !== 0) throw new Error(`${flow} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as unknown;
  }

  /** Notes of bodies: what, and the ids of the process and its parent. */
  marks(): readonly { readonly what: string; readonly pid: number; readonly parent: number }[] {
    if (!existsSync(this.marksFile)) return [];
    const lines = readFileSync(this.marksFile, "utf8").trim().split("\n");
    return lines.map((line) => {
      const words = line.split(" ");
      const [parent = "", pid = ""] = [words.at(-1), words.at(-2)];
      return { what: words.slice(0, -2).join(" "), pid: Number(pid), parent: Number(parent) };
    });
  }

  async list(noun: "flow-run" | "task-run", ...options: readonly string[]): Promise<readonly ListedRun[]> {
    return JSON.parse(await this.sluice(noun, "ls", "--limit", "200", "--output", "json", ...options)) as ListedRun[];
  }

  /** Runs a command of the CLI, and gives what it printed. */
  async sluice(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await endOf(this.#start([cli, ...args]));
    if (code !== 0) throw new Error(`sluice ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  #start(args: readonly string[]): ChildProcess {
    const env = {
      ...process.env,
      SLUICE_HOME: this.home,
      TEST_ENGINE: this.#engine.name,
      TEST_ADDRESS: this.#address,
      TEST_MARKS: this.marksFile,
      TEST_PYTHON: this.#engine.python,
      TEST_AUTHORIZATION: this.#engine.authorization ?? "",
    };
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#programs.add(child);
    child.once("exit", () => this.#programs.delete(child));
    return child;
  }
}

/** Waits for a program's end, and gives what it printed. */
export async function endOf(child: ChildProcess): Promise<ProgramEnd> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}

/** Steps that ran again although they were finished: the next step of their flow had begun. */
export function finishedTwice(bench: Bench): readonly string[] {
  const begun = bench.marks().flatMap(({ what }) => (/^step \d/.test(what) ? [Number(what.slice(5))] : []));
  return begun.flatMap((step, at) => {
    const again = begun.indexOf(step, at + 1);
    const next = begun.indexOf(step + 1, at + 1);
    return again > 0 && next > 0 && next < again ? [`step ${step}`] : [];
  });
}
