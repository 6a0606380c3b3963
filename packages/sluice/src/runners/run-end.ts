import { toWireError } from "../engine/values/wire-error.ts";
import { findUnserializable } from "../engine/values/serializable.ts";
import { isSluiceError, SluiceError } from "../wire/errors.ts";
import type { RunEnd, RunSpec } from "../wire/run-spec.ts";

/** The end of a run that was cancelled before its far side could say so. */
export function cancelledEnd(message: string): RunEnd {
  return { type: "cancelled", message, reported: false };
}

/** The end of a run whose worker was terminated past its time limit. */
export function timedOutEnd(spec: RunSpec, timeoutMs: number): RunEnd {
  const error = new SluiceError(
    "SLUICE_TIMED_OUT",
    `The ${spec.kind} run "${spec.run_name}" exceeded its timeout of ${timeoutMs / 1000} seconds and did not stop by itself; its worker was terminated.`,
  );
  return { type: "failed", error: toWireError(error), state_name: "TimedOut", reported: false };
}

/** The end of a run that could not be run or whose worker is gone. A {@link SluiceError} says itself whether trying again can help. */
export function crashedEnd(error: Error, retryable: boolean = isSluiceError(error) ? error.retryable : true): RunEnd {
  return { type: "crashed", error: toWireError(error), retryable, reported: false };
}

/** The cancellation message that an aborted signal carries. */
export function messageOf(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason.message : String(reason);
}

/**
 * Makes the error for a value that could not be sent.
 *
 * @param rootName how code would name the value: "args", "result"
 * @param cause what the serializer threw
 */
export function notSerializable(value: unknown, rootName: string, cause: unknown): SluiceError {
  const found = findUnserializable(value, rootName);
  const what =
    found === undefined
      ? `${rootName}: ${cause instanceof Error ? cause.message : String(cause)}`
      : `${found.path}, which is ${found.what}`;
  return new SluiceError(
    "SLUICE_NOT_SERIALIZABLE",
    `Expected values that can be sent to another thread or process, got ${what}. Send plain data, and open sockets, files and the like where they are used.`,
    { cause },
  );
}
