import "./node-version.ts";

export { allowFailure, unmapped } from "./engine/context/call-arguments.ts";
export type { AllowFailure, Unmapped } from "./engine/context/call-arguments.ts";
export {
  cacheKeyFunction,
  cachePolicies,
  DEFAULT,
  FLOW_PARAMETERS,
  INPUTS,
  NO_CACHE,
  RUN_ID,
  TASK_SOURCE,
} from "./engine/results/cache-policy.ts";
export type { CacheKeyContext, CacheKeyFunction, CachePolicy } from "./engine/results/cache-policy.ts";
export { asCompleted, gather, race, wait } from "./engine/context/combinators.ts";
export type {
  FutureIterator,
  FutureStream,
  Gathered,
  GatherOptions,
  WaitResult,
} from "./engine/context/combinators.ts";
export type { FlowOptions, Hook, RunOptions, RunView, TaskOptions } from "./engine/definition.ts";
export { Future, isFuture } from "./engine/context/future.ts";
export type { WaitOptions } from "./engine/context/future.ts";
export type { ResultStore, StoredResult } from "./engine/ports.ts";
export type { RunLogger } from "./engine/context/run-logger.ts";
export { completed, failed, isState } from "./engine/state.ts";
export type { FinalState, State } from "./engine/state.ts";
export type { TaskRunner } from "./engine/task-runner.ts";
export {
  createImageArtifact,
  createLinkArtifact,
  createMarkdownArtifact,
  createProgressArtifact,
  createTableArtifact,
  updateProgressArtifact,
} from "./flows/body/artifacts.ts";
export type { ArtifactOptions, ArtifactTable } from "./flows/body/artifacts.ts";
export type { Arg, Args, FlowValue, MapArgs, MapStreamOptions, StreamItems, TaskValue } from "./flows/call-types.ts";
export { flow } from "./flows/flow.ts";
export type { Flow } from "./flows/flow.ts";
export { pauseFlowRun, resumeFlowRun } from "./flows/body/pauses.ts";
export type { PauseForInputOptions, PauseOptions, ResumeOptions } from "./flows/body/pauses.ts";
export { getRunLogger, runContext } from "./flows/body/run-context.ts";
export type { RunContext } from "./flows/body/run-context.ts";
export { closeSession } from "./flows/session.ts";
export { formatRunSummary, runSummary } from "./flows/run-summary.ts";
export type { RunSummary } from "./flows/run-summary.ts";
export { transaction } from "./flows/body/transaction.ts";
export type {
  CommitMode,
  IsolationLevel,
  Transaction,
  TransactionHook,
  TransactionOptions,
} from "./engine/results/transaction.ts";
export { pyTask } from "./flows/py-task.ts";
export { PythonError } from "./engine/values/python-error.ts";
export { task } from "./flows/task.ts";
export type { Task } from "./flows/task.ts";
export { ConcurrentTaskRunner, ProcessPoolTaskRunner, ThreadPoolTaskRunner } from "./runners/index.ts";
export type { ProcessPoolOptions, ThreadPoolOptions } from "./runners/index.ts";
export { ERROR_CODES, isSluiceError, SluiceError } from "./wire/errors.ts";
export type { ErrorCode } from "./wire/errors.ts";
