import { SluiceError } from "../../wire/errors.ts";
import type { Outcome } from "../definition.ts";
import type { FlowRun } from "../run.ts";
import { finalState } from "../state.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import type { Answer } from "../store/proposal.ts";
import type { ReturnedEnd } from "./flow-body.ts";

/** The end of a run that was asked to stop; one that had timed out before stays so. */
export function cancelledEnd(reason: Error, proposed?: ReturnedEnd): ReturnedEnd {
  if (proposed?.type === "FAILED" && proposed.name === "TimedOut") return proposed;
  return { type: "CANCELLED", name: "Cancelled", message: reason.message, error: reason };
}

/** The outcome of a flow run by its own end and the store's answer to it, which goes before. */
export function outcomeOf(run: FlowRun, end: ReturnedEnd, answer: Answer): Outcome {
  let { type, name, message } = end;
  const moved = answer.kind === "moved" ? answer : undefined;
  if (moved !== undefined && isFinalStateType(moved.state.type)) {
    ({ name, message } = moved.state);
    ({ type } = moved.state as typeof end); // final, as just asked
  }
  const timestampUs = run.stateTimestampUs;
  if (type === "COMPLETED" && end.type === "COMPLETED")
    return finalState({ type, name, message, timestampUs, outcome: { value: end.value } });
  const error = end.type === "COMPLETED" || type !== end.type ? refusedEnd(run.name, moved?.reason ?? name) : end.error;
  return finalState({ type: type === "COMPLETED" ? "FAILED" : type, name, message, timestampUs, outcome: { error } });
}

/** The error of a flow run whose end the store did not take. */
export function refusedEnd(runName: string, reason: string): SluiceError {
  return new SluiceError("SLUICE_RUN_REFUSED", `The store did not accept the end of flow run "${runName}": ${reason}`);
}
