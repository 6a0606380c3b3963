/** Where submitted tasks and subflows run. */
export { ConcurrentTaskRunner } from "./concurrent-task-runner.ts";
export { cancelInWorkers, closeRunners, setHomeLink } from "./pools.ts";
export { ProcessPoolTaskRunner, type ProcessPoolOptions } from "./process-pool-task-runner.ts";
export { ThreadPoolTaskRunner, type ThreadPoolOptions } from "./thread-pool-task-runner.ts";
