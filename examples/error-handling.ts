/** Errors as exceptions, as values, and as inputs of what comes next. */
import { allowFailure, flow, gather, task } from "sluice";

const divide = task("divide", (a: number, b: number) => {
  if (b === 0) throw new RangeError("division by zero");
  return a / b;
});
const describe = task("describe", (value: number | Error) =>
  value instanceof Error ? `failed: ${value.message}` : `got ${value}`,
);

const master = flow("master", async () => {
  try {
    await divide(1, 0);
  } catch (error) {
    console.log("thrown:", error instanceof RangeError, String(error));
  }

  const state = await divide.safe(1, 0);
  console.log("state:", state.type, state.type === "COMPLETED" ? state.data : state.error.message);

  const runs = [divide.submit(6, 3), divide.submit(6, 0)];
  console.log(await gather(runs.map((run) => describe.submit(allowFailure(run)))));

  const blocked = await describe.submit(divide.submit(6, 0)).wait();
  console.log("without allowFailure:", blocked.name);
});

await master();

// Output:
// thrown: true RangeError: division by zero
// state: FAILED division by zero
// [ 'got 2', 'failed: division by zero' ]
// without allowFailure: NotReady
