import { flow, gather, task } from "sluice";
import { currentFlowRunId } from "../current-flow-run-id.ts";

/** Open task runs of a stream at a time. */
const WINDOW = 1000;

/** Does nothing: what is measured is everything around it. */
export const noop = task("noop", (item: number): number => item);

function* upTo(n: number): Generator<number> {
  for (let item = 0; item < n; item++) yield item;
}

/** Submits n tasks through a window. Returns the id of its flow run, as all flows here. */
export const streamTasks = flow("stream-tasks", async (n: number): Promise<string> => {
  let completed = 0;
  for await (const run of noop.mapStream(upTo(n), { window: WINDOW })) if (run.state.type === "COMPLETED") completed++;
  if (completed !== n) throw new Error(`${completed} of ${n} task runs completed.`);
  return currentFlowRunId();
});

/** Submits n tasks at once. */
export const fanOutTasks = flow("fan-out-tasks", async (n: number): Promise<string> => {
  await gather(noop.map(upTo(n)));
  return currentFlowRunId();
});

/** Calls n tasks one after the other. */
export const awaitTasks = flow("await-tasks", async (n: number): Promise<string> => {
  for (let item = 0; item < n; item++) await noop(item);
  return currentFlowRunId();
});

/** Submits n tasks, each when the one before has ended. */
export const roundTrips = flow("round-trips", async (n: number): Promise<string> => {
  for (let item = 0; item < n; item++) await noop.submit(item);
  return currentFlowRunId();
});

/** Does nothing, as a subflow. */
export const noopSubflow = flow("noop-subflow", (item: number): number => item);

/** Calls n subflows one after the other, in this process. */
export const callSubflows = flow("call-subflows", async (n: number): Promise<string> => {
  for (let item = 0; item < n; item++) await noopSubflow(item);
  return currentFlowRunId();
});

/** Submits n subflows at once to the task runner of this flow. */
export const submitSubflows = flow("submit-subflows", async (n: number): Promise<string> => {
  await gather(noopSubflow.map(upTo(n)));
  return currentFlowRunId();
});
