import { runContext } from "sluice";

/** Gives the id of the flow run that the calling code is in; throws outside runs. */
export function currentFlowRunId(): string {
  const { flowRunId } = runContext();
  if (flowRunId === null) throw new Error("Expected to be called inside a flow run, not in a task outside of flows.");
  return flowRunId;
}
