import { PythonError } from "../../engine/values/python-error.ts";
import { localValue } from "../../engine/values/remote-value.ts";
import { toWireError } from "../../engine/values/wire-error.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { RunEnd } from "../../wire/run-spec.ts";

/** How a call of a Python function ended (python_call.py). */
export type PythonEnd =
  | { readonly type: "python-completed"; readonly encoding: "json" | "bytes"; readonly started_us: number }
  | {
      readonly type: "python-failed";
      readonly class: string;
      readonly message: string;
      readonly traceback: string;
      readonly started_us: number;
    };

/**
 * Writes a call for a worker's Python: JSON, with the numbers of parts in place of bytes.
 *
 * @throws SluiceError SLUICE_NOT_SERIALIZABLE for an argument that is neither
 */
export async function pythonCall(
  path: string,
  args: readonly unknown[],
): Promise<{ readonly call: string; readonly parts: readonly Uint8Array[] }> {
  const parts: Uint8Array[] = [];
  const written = await Promise.all(args.map((arg) => localValue(arg)));
  const values = written.map((arg, at) => {
    if (arg instanceof Uint8Array) return { $part: parts.push(arg) - 1 };
    const text = JSON.stringify(arg);
    if (text === undefined && arg !== undefined) {
      throw new SluiceError(
        "SLUICE_NOT_SERIALIZABLE",
        `args[${at}] of the Python function ${path} is ${typeof arg}, and Python gets what JSON holds, and Uint8Arrays.`,
      );
    }
    return arg ?? null;
  });
  return { call: JSON.stringify({ function: path, args: values, kwargs: {} }), parts };
}

/** Reads the end of such a call. Nobody has reported it. */
export function pythonRunEnd(end: PythonEnd, value: Buffer): RunEnd {
  if (end.type === "python-failed") {
    const error = new PythonError(end.class, end.message, end.traceback);
    return { type: "failed", error: toWireError(error), state_name: "Failed", reported: false };
  }
  const result: unknown = end.encoding === "bytes" ? value : JSON.parse(value.toString("utf8"));
  return { type: "completed", value: result, state_name: "Completed", reported: false };
}
