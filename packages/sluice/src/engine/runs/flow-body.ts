import { aggregateFinalState } from "../../rules/final-state.ts";
import type { FinalStateType } from "../../wire/state-types.ts";
import { asError } from "../context/call-arguments.ts";
import { cancelledError } from "../context/cancellation.ts";
import type { Frame, FlowScope } from "../context/frame.ts";
import { isFuture } from "../context/future.ts";
import type { FlowDefinition } from "../definition.ts";
import { isState, type FinalState } from "../state.ts";
import { validateParameters } from "../values/parameters.ts";
import { runBody } from "./run-body.ts";

/** How a flow run ends by what its function returned. */
export type ReturnedEnd =
  | { readonly type: "COMPLETED"; readonly name: string; readonly message: string | null; readonly value: unknown }
  | {
      readonly type: Exclude<FinalStateType, "COMPLETED">;
      readonly name: string;
      readonly message: string | null;
      readonly error: Error;
    };

/** Runs a flow's body once inside its frame, and waits for all that it started. Never rejects. */
export async function runFlowBody(
  frame: Frame,
  definition: FlowDefinition,
  call: { readonly args: readonly unknown[]; readonly timeoutMs: number | null },
): Promise<ReturnedEnd> {
  const { params } = definition.options;
  let { args } = call;
  if (params !== undefined) {
    try {
      args = [await validateParameters(params, args[0], definition.name)];
    } catch (error) {
      return { type: "FAILED", name: "Failed", message: asError(error).message, error: asError(error) };
    }
  }
  const body = async (...given: readonly unknown[]): Promise<ReturnedEnd> => {
    // The definition hides the parameter types of the user's function, which its callable has already checked.
    const value = await (definition.fn as (...args: readonly unknown[]) => unknown)(...given);
    return readReturnValue(value);
  };
  const end = await runBody(frame, { fn: body, args }, { timeoutMs: call.timeoutMs });
  // A body that failed may have left branches behind that are about to start their next child.
  if (frame.scope.open.size > 0 || end.type !== "value") await childrenEnded(frame.scope);
  frame.close();
  if (end.type === "value") return end.value as ReturnedEnd; // what `body` above gives
  const error = asError(end.error);
  if (end.type === "timed-out") return { type: "FAILED", name: "TimedOut", message: error.message, error };
  return {
    type: "FAILED",
    name: "Failed",
    message: `Flow run encountered an exception: ${error.name}: ${error.message}`,
    error,
  };
}

function childrenEnded(scope: FlowScope): Promise<void> {
  const ended = scope.childrenEnded();
  return scope.slotWaits === null ? ended : scope.slotWaits.during(ended);
}

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
