/** Tasks and subflows on a Dask cluster. */
export { DaskTaskRunner, type DaskTaskRunnerOptions } from "./dask-task-runner.ts";
