import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

// A command on a busy machine takes a second or two; one that hangs is told as such.
const LIMIT_MS = 60_000;
const ENTRY = fileURLToPath(new URL("./main.ts", import.meta.url));

/** How a command ended, for the tests of this folder. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how a command runs. */
export interface SluiceOptions {
  readonly home: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Nobody reads what it prints: both streams are closed at once. */
  readonly unread?: boolean;
}

/** A command under way. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves to all that was printed, once `text` is among it on either stream; rejects with it when the command ends before. */
  printed(text: string): Promise<string>;
}

/** Runs one command line in a process of its own, from the sources, and resolves to its output. */
export function sluice(args: readonly string[], options: SluiceOptions): Promise<Ended> {
  return startSluice(args, options).ended;
}

/** Starts one command line in a process of its own, from the sources. Nothing of this process's settings reaches it but `PATH`. */
export function startSluice(args: readonly string[], options: SluiceOptions): Running {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    cwd: options.cwd ?? options.home,
    env: { PATH: process.env["PATH"], HOME: options.home, TZ: "UTC", SLUICE_HOME: options.home, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  if (options.unread === true) for (const stream of [child.stdout, child.stderr]) stream.destroy();
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const ended = once(child, "close").then(([code]): Ended => {
    clearTimeout(limit);
    return { code: typeof code === "number" ? code : null, stdout, stderr };
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => void child.kill(signal),
    printed: async (text) => {
      while (!`${stdout}${stderr}`.includes(text)) {
        const end = await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), ended]);
        if (!Array.isArray(end) && !`${stdout}${stderr}`.includes(text)) {
          throw new Error(`waited for ${JSON.stringify(text)}; the command ended with ${JSON.stringify(end)}`);
        }
      }
      return `${stdout}${stderr}`;
    },
  };
}
