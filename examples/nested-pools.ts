/**
 * Any nesting on a pool of any size finishes: 8 flows, 4 subflows in each, 2 tasks in each of those, on 2 slots.
 *
 * A body that waits for its children gives its slot back, so the 40 waiting flows never keep the 64 tasks from running.
 */
import { flow, gather, ProcessPoolTaskRunner, task } from "sluice";

const pool = new ProcessPoolTaskRunner({ maxWorkers: 2 });
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

const leaf = task("leaf", (n: number) => n);
const middle = flow("middle", { taskRunner: pool }, async (n: number) => sum(await gather(leaf.map([n, n]))));
const top = flow("top", { taskRunner: pool }, async (n: number) => sum(await gather(middle.map([n, n, n, n]))));
const root = flow("root", { taskRunner: pool }, async () => sum(await gather(top.map([1, 2, 3, 4, 5, 6, 7, 8]))));

console.log(await root());

// Output:
// 288
