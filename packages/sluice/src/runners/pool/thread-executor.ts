import { Worker, type MessagePort, type ResourceLimits } from "node:worker_threads";
import { SluiceError } from "../../wire/errors.ts";
import type { FarMessage, FarSideStart } from "../messages.ts";
import { siblingModule, type Executor, type ExecutorEvents } from "./executor.ts";

export interface ThreadStart {
  readonly start: FarSideStart;
  readonly homePort: MessagePort | null;
  readonly resourceLimits: ResourceLimits;
}

/** The data that a thread of a pool finds in `workerData`. */
export interface ThreadData {
  readonly sluice: { readonly start: FarSideStart; readonly homePort: MessagePort | null };
}

/** Starts a far side in a thread. Its console goes to this process's streams by Node's own means. */
export function startThread(options: ThreadStart, events: ExecutorEvents): Executor {
  const workerData: ThreadData = { sluice: { start: options.start, homePort: options.homePort } };
  const worker = new Worker(siblingModule("../far-side/entry", import.meta.url), {
    workerData,
    transferList: options.homePort === null ? [] : [options.homePort],
    argv: process.argv.slice(2),
    // Options of Node are inherited as they are: given explicitly, those of V8 and of the process would be refused.
    resourceLimits: options.resourceLimits,
    name: "sluice",
  });
  let failure: unknown;
  let terminated = false;
  worker.on("message", (message: FarMessage) => events.onMessage(message));
  // Comes before "exit", with what ended the thread: out of memory, an entry that does not load.
  worker.on("error", (error: unknown) => (failure = error));
  worker.on("exit", (code) => {
    const how = terminated ? "terminated" : `exit code ${code}`;
    const stderrTail = failure instanceof Error ? failure.message : "";
    events.onExit({ how, error: crashError(code, failure, options.resourceLimits), stderrTail });
  });
  return {
    post: (message) => worker.postMessage(message),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    terminate: () => {
      terminated = true;
      // The outcome comes as "exit".
      void worker.terminate();
    },
  };
}

function crashError(code: number, failure: unknown, limits: ResourceLimits): SluiceError {
  if (failure instanceof Error && "code" in failure && failure.code === "ERR_WORKER_OUT_OF_MEMORY") {
    const limit = limits.maxOldGenerationSizeMb;
    return new SluiceError(
      "SLUICE_WORKER_OUT_OF_MEMORY",
      `The worker thread ran out of memory${limit === undefined ? "" : ` (limit ${limit} MB)`}. Raise resourceLimits.maxOldGenerationSizeMb of the ThreadPoolTaskRunner, or give each run less to hold.`,
      { cause: failure },
    );
  }
  return new SluiceError(
    "SLUICE_WORKER_CRASHED",
    `The worker thread ended with exit code ${code} while it held the run${failure instanceof Error ? `: ${failure.message}` : "; did its code call process.exit?"}`,
    failure === undefined ? undefined : { cause: failure },
  );
}
