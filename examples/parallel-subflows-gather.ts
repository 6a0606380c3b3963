/** Whole subflows in real parallel: each runs in a process of its own, each is a tracked child run. */
import { flow, gather, ProcessPoolTaskRunner, task } from "sluice";

const square = task("square", (x: number) => x * x);

const sumOfSquares = flow("sum-of-squares", async (n: number) => {
  const squares = await gather(square.map(Array.from({ length: n }, (_, i) => i)));
  return squares.reduce((sum, each) => sum + each, 0);
});

const master = flow("master", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 2 }) }, async (sizes: number[]) =>
  gather(sumOfSquares.map(sizes)),
);

console.log(await master([10, 20, 30]));

// Output:
// [ 285, 2470, 8555 ]
