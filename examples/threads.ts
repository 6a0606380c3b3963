/** Threads of this process: they start faster than processes and share its memory limit. */
import { threadId } from "node:worker_threads";
import { flow, gather, task, ThreadPoolTaskRunner } from "sluice";

const fibonacci = task("fibonacci", (n: number) => ({ value: fib(n), threadId, pid: process.pid }));

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

const master = flow("master", { taskRunner: new ThreadPoolTaskRunner({ maxWorkers: 2 }) }, async () =>
  gather(fibonacci.map([10, 20, 25])),
);

const runs = await master();
console.log(runs.map((run) => run.value));
console.log(
  "same process:",
  runs.every((run) => run.pid === process.pid),
);
console.log(
  "main thread:",
  runs.some((run) => run.threadId === threadId),
);

// Output:
// [ 55, 6765, 75025 ]
// same process: true
// main thread: false
