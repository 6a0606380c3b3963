import { aggregateFinalState } from "../../rules/final-state.ts";
import type { FinalStateType } from "../../wire/state-types.ts";
import { cancelledError } from "../context/cancellation.ts";
import { isFuture } from "../context/future.ts";
import { isState, type FinalState } from "../state.ts";

/** How a flow run ends by what its function returned. */
export type ReturnedEnd =
  | { readonly type: "COMPLETED"; readonly name: string; readonly message: string | null; readonly value: unknown }
  | {
      readonly type: Exclude<FinalStateType, "COMPLETED">;
      readonly name: string;
      readonly message: string | null;
      readonly error: Error;
    };

/**
 * Reads a returned value: only it decides how the run ends.
 *
 * A state is taken as it is. A non-empty array of nothing but futures and states is awaited and aggregated, and becomes the array of their values. Anything else is
 * the value of a completed run, whatever failed meanwhile without being awaited.
 */
export async function readReturnValue(value: unknown): Promise<ReturnedEnd> {
  if (isState(value)) return endOf(value);
  if (!Array.isArray(value) || value.length === 0 || !value.every((item) => isFuture(item) || isState(item))) {
    return { type: "COMPLETED", name: "Completed", message: null, value };
  }
  const states: FinalState<unknown>[] = await Promise.all(
    value.map(async (item) => (isFuture(item) ? item.wait() : item)),
  );
  const verdict = aggregateFinalState(states.map((state) => state.type));
  const { message } = verdict;
  if (verdict.type === "COMPLETED") {
    return {
      type: "COMPLETED",
      name: "Completed",
      message,
      value: states.map((state) => (state.type === "COMPLETED" ? state.data : undefined)),
    };
  }
  if (verdict.type === "CANCELLED")
    return { type: "CANCELLED", name: "Cancelled", message, error: cancelledError(message ?? undefined) };
  const errors = states.flatMap((state) => (state.type === "COMPLETED" ? [] : [state.error]));
  return {
    type: "FAILED",
    name: "Failed",
    message,
    error: new AggregateError(errors, message ?? "A returned run failed."),
  };
}

function endOf(state: FinalState<unknown>): ReturnedEnd {
  const { name, message } = state;
  if (state.type === "COMPLETED") return { type: "COMPLETED", name, message, value: state.data };
  return { type: state.type, name, message, error: state.error };
}
