/** Tasks and subflows on a Ray cluster. */
export { RayTaskRunner, type RayTaskRunnerOptions } from "./ray-task-runner.ts";
export type { RayJobsOptions } from "./jobs/jobs-options.ts";
