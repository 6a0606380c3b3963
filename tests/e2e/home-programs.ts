import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const checkout = fileURLToPath(new URL("../../", import.meta.url));
const cli = join(checkout, "packages/sluice/bin/sluice.js");

/** How a process ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process under way. */
export interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Real programs and commands on one home of their own. */
export class HomePrograms {
  readonly home = mkdtempSync(join(tmpdir(), "sluice-e2e-"));
  /** Scripts stand inside the checkout, where `sluice` is found. */
  readonly #folder = mkdtempSync(join(checkout, "tests/e2e/.scripts-"));
  readonly #running = new Set<ChildProcess>();

  /** Ends what still runs, and removes the home. */
  remove(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.home, { recursive: true, force: true });
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Starts a program of this source with these arguments. */
  script(name: string, source: string, ...args: readonly string[]): Program {
    const file = join(this.#folder, `${name}.ts`);
    writeFileSync(file, source);
    return this.#start([file, ...args]);
  }

  /** Runs a command of the CLI to its end. */
  sluice(...args: readonly string[]): Promise<Ended> {
    return this.#start([cli, ...args]).ended;
  }

  #start(args: readonly string[]): Program {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, SLUICE_HOME: this.home, SLUICE_LOGGING_CONSOLE_LEVEL: "CRITICAL", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#running.add(child);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = once(child, "close").then(() => {
      this.#running.delete(child);
      return { code: child.exitCode, stdout, stderr };
    });
    return { child, ended };
  }
}
