/** What an example promises to print, and how two outputs are compared. Used by the tests of this folder only. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** The Python with Dask that `npm test` makes. */
export const daskPython = fileURLToPath(new URL("../.venv/dask/bin/python", import.meta.url));

/** How one example ended. */
export interface ExampleRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const OUTPUT_MARK = "\n// Output:\n";
/** An example takes about a second; a busy machine may need many times that. */
const TIME_LIMIT_MS = 60_000;

/** The lines in the comment block `// Output:` that ends an example; undefined when it has none. */
export function promisedOutput(source: string): string | undefined {
  const at = source.lastIndexOf(OUTPUT_MARK);
  if (at === -1) return undefined;
  const lines = source
    .slice(at + OUTPUT_MARK.length)
    .trimEnd()
    .split("\n");
  return lines.map((line) => line.replace(/^\/\/ ?/, "")).join("\n");
}

/** Puts a stand-in for what differs from run to run: ids and durations. */
export function normalise(output: string): string {
  return output
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<id>")
    .replace(/\b\d+(?:\.\d+)? ?(?:ms|s)\b/g, "<time>")
    .replace(/[ \t]+$/gm, "")
    .trimEnd();
}

/**
 * Runs an example as a user does, `node file.ts`, with a home of its own that is removed afterwards.
 *
 * @throws Error when it has not ended within 60 s
 */
export async function runExample(file: string): Promise<ExampleRun> {
  const home = mkdtempSync(join(tmpdir(), "sluice-example-"));
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, SLUICE_HOME: home, SLUICE_PYTHON: daskPython, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), TIME_LIMIT_MS);
  try {
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    if (child.signalCode !== null) {
      throw new Error(`${file} did not end within ${TIME_LIMIT_MS} ms, it printed:\n${stdout}\n${stderr}`);
    }
    return { exitCode: child.exitCode, stdout, stderr };
  } finally {
    clearTimeout(timer);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Reads a text file beside this one. */
export function readExample(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}
