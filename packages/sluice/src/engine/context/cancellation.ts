import { SluiceError, isSluiceError } from "../../wire/errors.ts";

/** Makes the error that a cancelled run's signal carries and that the calls of its body throw. */
export function cancelledError(message = "The run was cancelled."): SluiceError {
  return new SluiceError("SLUICE_CANCELLED", message);
}

/** Makes the error of an attempt that took longer than its `timeoutSeconds`. */
export function timedOutError(kind: "flow" | "task", timeoutMs: number): SluiceError {
  const what = kind === "flow" ? "Flow run" : "Task run";
  return new SluiceError("SLUICE_TIMED_OUT", `${what} exceeded timeout of ${timeoutMs / 1000} second(s)`);
}

/** Tells whether a body stopped because it was asked to: the SDK's own error, or an AbortError made from its signal. */
export function isCancellation(error: unknown): boolean {
  return isSluiceError(error, "SLUICE_CANCELLED");
}
