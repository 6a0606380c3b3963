/** Hooks are called when a run enters a state; an error in one is logged and changes nothing. */
import { flow, task } from "sluice";

const risky = task(
  "risky",
  {
    onRunning: (run) => console.log(`${run.name} runs`),
    onCompletion: (run, state) => console.log(`${run.name}: ${state.name}`),
    onFailure: (run, state) => console.log(`${run.name}: ${state.name}, ${state.message}`),
  },
  (n: number) => {
    if (n > 1) throw new RangeError(`${n} is too many`);
    return n;
  },
);

const master = flow("master", { onCompletion: (run) => console.log(`${run.of} has ended`) }, async () => {
  await risky(1);
  await risky.safe(2);
});

await master();

// Output:
// risky-0 runs
// risky-0: Completed
// risky-1 runs
// risky-1: Failed, Task run encountered an exception RangeError: 2 is too many
// master has ended
