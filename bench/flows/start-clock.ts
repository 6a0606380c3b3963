import { flow, task } from "sluice";
import { currentFlowRunId } from "../current-flow-run-id.ts";

/** Tells when its body runs: milliseconds since the epoch, with fractions. */
export const bodyStart = task("body-start", (): number => performance.timeOrigin + performance.now());

/** Submits one task to the runner of this flow. Returns the seconds from the submit until the body ran there. */
export const secondsUntilBody = flow("seconds-until-body", async (): Promise<number> => {
  const submittedMs = performance.timeOrigin + performance.now();
  return ((await bodyStart.submit()) - submittedMs) / 1000;
});

/** Does nothing but run as a flow of its own. */
export const trivial = flow("trivial", (): string => currentFlowRunId());
