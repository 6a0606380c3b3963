/**
 * A script that calls its master inside `async function main()`, after other awaits: on processes it works and runs once.
 *
 * A worker imports this file to find `double`. There, the first call of a flow outside a run halts the evaluation, so nothing below
 * `await master(…)` happens a second time. What stands above it does run in every worker: keep it free of effects.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { flow, gather, ProcessPoolTaskRunner } from "sluice";

const double = flow("double", (n: number) => n * 2);
const master = flow("master", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 2 }) }, async (numbers: number[]) =>
  gather(double.map(numbers)),
);

async function main(): Promise<void> {
  await sleep(10);
  const doubled = await master([1, 2, 3]);
  console.log("once:", doubled);
}

await main();

// Output:
// once: [ 2, 4, 6 ]
