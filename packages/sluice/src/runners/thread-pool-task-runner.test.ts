import { expect, test } from "vitest";
import { testTaskRunner } from "./task-runner.testsuite.ts";
import { ThreadPoolTaskRunner, type ThreadPoolOptions } from "./thread-pool-task-runner.ts";

testTaskRunner("ThreadPoolTaskRunner", {
  make: (maxWorkers) => new ThreadPoolTaskRunner({ maxWorkers }),
  makeSmall: () => new ThreadPoolTaskRunner({ maxWorkers: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } }),
});

test.each([
  [{ maxWorkers: 0 }, /"maxWorkers" of ThreadPoolTaskRunner to be an integer of at least 1, got 0/],
  [{ maxWorkers: 1.5 }, /got 1\.5/],
  [{ idleSeconds: -1 }, /"idleSeconds"/],
  [{ resourceLimits: { maxHeap: 1 } }, /resourceLimits\.maxHeap/],
  [{ maxworkers: 2 }, /"maxworkers".*one of maxWorkers/],
])("refuses options %o", (options, message) => {
  // What only a caller without types can pass is among them.
  expect(() => new ThreadPoolTaskRunner(options as ThreadPoolOptions)).toThrow(message);
});
