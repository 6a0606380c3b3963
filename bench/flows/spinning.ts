import { flow, gather, getRunLogger } from "sluice";
import { currentFlowRunId } from "../current-flow-run-id.ts";
import { spin } from "../spin.ts";

/** One CPU-bound job as a whole subflow, with a line in its log. */
export const spinSubflow = flow("spin-subflow", (seed: number, portions: number): number => {
  getRunLogger().info(`spinning ${seed}`);
  return spin(seed, portions);
});

/** Runs the jobs one after the other in this process. Returns the id of its flow run. */
export const spinSequentially = flow("spin-sequentially", async (jobs: number, portions: number): Promise<string> => {
  for (let seed = 0; seed < jobs; seed++) await spinSubflow(seed, portions);
  return currentFlowRunId();
});

/** Runs the jobs on the task runner of this flow. Returns the id of its flow run. */
export const spinSubmitted = flow("spin-submitted", async (jobs: number, portions: number): Promise<string> => {
  await gather(Array.from({ length: jobs }, (_, seed) => spinSubflow.submit(seed, portions)));
  return currentFlowRunId();
});
