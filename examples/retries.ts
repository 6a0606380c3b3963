/** A failed run is tried again: a delay for each retry, jitter, and a condition that tells which errors are worth it. */
import { flow, task } from "sluice";

let calls = 0;
const flaky = task("flaky", { retries: 3, retryDelaySeconds: [0.01, 0.02], retryJitterFactor: 0.5 }, () => {
  calls += 1;
  if (calls < 3) throw new Error(`call ${calls} failed`);
  return `call ${calls} succeeded`;
});

const isBusy = (error: unknown) => error instanceof Error && error.message === "busy";
const picky = task("picky", { retries: 3, retryCondition: isBusy }, (message: string) => {
  console.log(`picky: ${message}`);
  throw new Error(message);
});

const master = flow("master", async () => {
  console.log(await flaky());
  const state = await picky.safe("no such table");
  console.log(state.type);
});

await master();

// Output:
// call 3 succeeded
// picky: no such table
// FAILED
