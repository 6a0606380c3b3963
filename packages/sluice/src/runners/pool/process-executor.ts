import { fork, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { SluiceError } from "../../wire/errors.ts";
import type { FarMessage, FarSideStart } from "../messages.ts";
import { siblingModule, type Executor, type ExecutorEvents, type ExecutorExit } from "./executor.ts";
import { passLines } from "./output-lines.ts";
import { inheritedExecArgv } from "./worker-arguments.ts";

export interface ProcessStart {
  readonly start: FarSideStart;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  /** Null: those of this process. */
  readonly execArgv: readonly string[] | null;
}

/** From SIGTERM to SIGKILL. */
const KILL_AFTER_MS = 2_000;
/** How long an exited child's last output may take to arrive; a process it has left behind may hold the pipe open. */
const OUTPUT_LIMIT_MS = 500;

/** Groups that must not outlive this process. */
const living = new Set<number>();
let watchingExit = false;

/**
 * Starts a far side in a child process: the leader of a group of its own, so that it is killed with whatever it has started.
 *
 * Its standard input is empty; its output comes here line by line. Descriptor 4 is a pipe that only tells the child that this process lives.
 */
export function startProcess(options: ProcessStart, events: ExecutorEvents): Executor {
  const child = fork(fileURLToPath(siblingModule("../far-side/entry", import.meta.url)), process.argv.slice(2), {
    env: { ...process.env, ...options.env },
    execArgv: options.execArgv === null ? inheritedExecArgv(process.execArgv) : [...options.execArgv],
    ...(options.cwd === null ? {} : { cwd: options.cwd }),
    serialization: "advanced",
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc", "pipe"],
  });
  const { pid } = child;
  if (pid !== undefined) killAtExit(pid);
  if (child.stdout !== null) passLines(child.stdout, process.stdout);
  const stderrTail = child.stderr === null ? () => "" : passLines(child.stderr, process.stderr);
  let killTimer: NodeJS.Timeout | undefined;
  let exited = false;
  const onExit = (exit: ExecutorExit): void => {
    if (exited) return;
    exited = true;
    clearTimeout(killTimer);
    events.onExit(exit);
  };
  child.on("message", (message) => {
    // The channel is this child's alone, and its far side sends nothing but FarMessage.
    if (!exited) events.onMessage(message as FarMessage);
  });
  child.on("error", (error) => {
    // Also emitted for a send or kill that failed; a child that was never started has no pid, and no other event.
    if (pid === undefined) onExit(notStarted(error, options.cwd));
  });
  child.once("exit", (code, signal) => {
    if (pid !== undefined) killGroup(pid, "SIGKILL");
    const finish = (): void => {
      clearTimeout(limit);
      if (pid !== undefined) living.delete(pid);
      onExit(describeExit(code, signal, stderrTail()));
    };
    const limit = setTimeout(finish, OUTPUT_LIMIT_MS);
    child.once("close", finish);
  });
  post(child, { role: "start", start: options.start });
  return {
    post: (message) => post(child, message),
    ref: () => setRef(child, true),
    unref: () => setRef(child, false),
    terminate: () => {
      if (pid === undefined || exited || killTimer !== undefined) return;
      killGroup(pid, "SIGTERM");
      killTimer = setTimeout(() => killGroup(pid, "SIGKILL"), KILL_AFTER_MS);
    },
  };
}

function post(child: ChildProcess, message: object): void {
  // A channel that has closed is followed by "exit", which ends the runs; a send must not fail them before.
  if (child.connected) child.send(message, () => undefined);
}

function setRef(child: ChildProcess, on: boolean): void {
  if (on) child.ref();
  else child.unref();
  if (on) child.channel?.ref();
  else child.channel?.unref();
  for (const stream of child.stdio) {
    if (!(stream instanceof Socket)) continue;
    if (on) stream.ref();
    else stream.unref();
  }
}

function killAtExit(pid: number): void {
  living.add(pid);
  if (watchingExit) return;
  watchingExit = true;
  process.on("exit", () => {
    for (const group of living) killGroup(group, "SIGKILL");
  });
}

/** Signals a whole group; one that has no member left is no error. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "EPERM"))) throw error;
  }
}

function notStarted(error: Error, cwd: string | null): ExecutorExit {
  const reason = cwd !== null && !existsSync(cwd) ? `the folder ${cwd} (option cwd) does not exist` : error.message;
  return {
    how: "not started",
    error: new SluiceError("SLUICE_WORKER_CRASHED", reason, { cause: error }),
    stderrTail: reason,
  };
}

function describeExit(code: number | null, signal: NodeJS.Signals | null, tail: string): ExecutorExit {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const words = tail === "" ? "" : `. Its last words: ${tail}`;
  if (/heap out of memory|heap limit/i.test(tail) && (signal === "SIGABRT" || signal === "SIGTRAP" || code === 134)) {
    const message = `The worker process ran out of memory (${how}). Raise it with execArgv: ["--max-old-space-size=…"] of the ProcessPoolTaskRunner, or give each run less to hold.`;
    return { how, error: new SluiceError("SLUICE_WORKER_OUT_OF_MEMORY", message), stderrTail: tail };
  }
  const hint =
    signal === null
      ? "; did its code call process.exit?"
      : signal === "SIGKILL"
        ? " (the system's memory killer, or somebody's kill -9)"
        : "";
  return {
    how,
    error: new SluiceError(
      "SLUICE_WORKER_CRASHED",
      `The worker process ended with ${how} while it held the run${hint}${words}`,
    ),
    stderrTail: tail,
  };
}
