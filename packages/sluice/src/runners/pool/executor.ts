import type { SluiceError } from "../../wire/errors.ts";
import type { FarMessage, NearMessage } from "../messages.ts";

/**
 * One thread or process that runs a far side: the part of a pool that differs by kind.
 *
 * It starts at once. `events.onExit` is called exactly once, whatever becomes of it, also when it cannot be started; no message follows.
 */
export interface Executor {
  /** Sends a message; those sent before the far side is ready are kept. Throws what the serializer throws when a value cannot be cloned. */
  post(message: NearMessage): void;
  /** Keeps the process alive while the executor has work. */
  ref(): void;
  /** Lets the process end although the executor lives. */
  unref(): void;
  /** Ends it by force, at once for a thread; a process gets SIGTERM and, two seconds later, SIGKILL, its whole group. Idempotent. */
  terminate(): void;
}

export interface ExecutorEvents {
  onMessage(message: FarMessage): void;
  onExit(exit: ExecutorExit): void;
}

export interface ExecutorExit {
  /** How it ended, in a few words: "exit code 3", "signal SIGKILL". */
  readonly how: string;
  /** `SLUICE_WORKER_CRASHED` or `SLUICE_WORKER_OUT_OF_MEMORY`, for the runs that it held. */
  readonly error: SluiceError;
  /** The last that it wrote to its standard error, "" when nothing or not known. */
  readonly stderrTail: string;
}

/** Starts an executor of one kind. */
export type StartExecutor = (events: ExecutorEvents) => Executor;

/** The file beside `moduleUrl` with the same extension as it: `.ts` where sources run as they are, `.js` where compiled. */
export function siblingModule(path: string, moduleUrl: string): URL {
  return new URL(path + (/\.[cm]?[jt]s(?=$|\?)/.exec(moduleUrl)?.[0] ?? ".js"), moduleUrl);
}
