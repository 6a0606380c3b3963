import { deserialize } from "node:v8";
import { SluiceError } from "../../wire/errors.ts";
import type { RunEnd, RunSpec, WireError } from "../../wire/run-spec.ts";
import { RemoteValue } from "../../engine/values/remote-value.ts";
import { fromWireError } from "../../engine/values/wire-error.ts";
import { pythonRunEnd, type PythonEnd } from "./python-call.ts";
import { crashedEnd, timedOutEnd } from "../run-end.ts";

/** The end of a body as a bridge gives it (node_bridge.py): the far side's own, or the bridge's where it had to end the process. */
export type BridgedEnd =
  | (RunEnd & {
      readonly started_us: number;
      /** Of a value that is large enough to be kept there: SHA-256 of what it was written as. */
      readonly value_hash?: string;
    })
  | PythonEnd
  | { readonly type: "timed-out" }
  | ({ readonly type: "died" } & NodeDeath)
  | { readonly type: "unfit"; readonly reason: string }
  | { readonly type: "cancelled-by-force" };

/** How a process of a node ended under a body. */
export interface NodeDeath {
  readonly how: string;
  /** The last that it wrote to its standard error. */
  readonly tail: string;
  /** What it said before, where an error ended it that nothing caught. */
  readonly crash: WireError | null;
}

/** Reads a body's end. @param value in V8's clone format, empty for none; or where it is kept */
export function runEndOf(
  end: BridgedEnd,
  value: Buffer | RemoteValue,
  run: { readonly spec: RunSpec; readonly timeoutMs: number | null },
): RunEnd {
  if (end.type === "timed-out") return timedOutEnd(run.spec, run.timeoutMs ?? 0);
  if (end.type === "cancelled-by-force") {
    return crashedEnd(
      new SluiceError("SLUICE_WORKER_CRASHED", "The worker stopped the run because the cluster no longer wanted it."),
    );
  }
  if (end.type === "python-completed" || end.type === "python-failed") {
    return pythonRunEnd(end, value instanceof RemoteValue ? Buffer.alloc(0) : value);
  }
  if (end.type === "died") return crashedEnd(deathOf(end));
  if (end.type === "unfit") return crashedEnd(unfit(end.reason));
  const { started_us: _, value_hash: __, ...own } = end;
  return own.type === "completed" ? { ...own, value: valueOf(value) } : own;
}

function valueOf(value: Buffer | RemoteValue): unknown {
  if (value instanceof RemoteValue) return value;
  return value.length === 0 ? undefined : deserialize(value);
}

/** The error of a run that no process of a node could take. */
export function unfit(reason: string): SluiceError {
  return new SluiceError("SLUICE_CLUSTER_UNFIT", `A worker of the cluster cannot run it: ${reason}.`);
}

/** The error of a run whose process on a node has died. */
export function deathOf({ how, tail, crash }: NodeDeath): SluiceError {
  if (crash !== null) {
    const cause = fromWireError(crash);
    return new SluiceError(
      "SLUICE_WORKER_CRASHED",
      `The Node process on the cluster that held the run ended because of an error that nothing caught: ${cause.name}: ${cause.message}`,
      { cause },
    );
  }
  if (/heap out of memory|heap limit/i.test(tail)) {
    return new SluiceError(
      "SLUICE_WORKER_OUT_OF_MEMORY",
      `The Node process on the cluster ran out of memory (${how}). Raise it with nodeOptions: ["--max-old-space-size=…"] of the task runner, or give each run less to hold.`,
    );
  }
  const hint = how.startsWith("signal")
    ? how === "signal SIGKILL"
      ? " (the system's memory killer, or somebody's kill -9)"
      : ""
    : "; did its code call process.exit?";
  const words = tail === "" ? "" : `. Its last words: ${tail}`;
  return new SluiceError(
    "SLUICE_WORKER_CRASHED",
    `The Node process on the cluster ended with ${how} while it held the run${hint}${words}`,
  );
}
