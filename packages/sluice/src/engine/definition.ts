import type { FunctionReference } from "../wire/run-spec.ts";
import type { RetryDelay } from "../rules/retry-delay.ts";
import type { CachePolicy } from "./results/cache-policy.ts";
import { toNamedParameters } from "./values/parameters.ts";
import type { FinalState, State } from "./state.ts";
import type { ResultStore } from "./ports.ts";
import type { TaskRunner } from "./task-runner.ts";
import type { Transaction } from "./results/transaction.ts";
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** A run as hooks, name functions and `runContext()` see it. */
export interface RunView {
  readonly id: string;
  readonly name: string;
  readonly kind: "flow" | "task";
  /** Name of the flow or task. */
  readonly of: string;
  readonly flowRunId: string | null;
  readonly tags: readonly string[];
  readonly parameters: Readonly<Record<string, unknown>>;
  /** 1 in the first execution. */
  readonly runCount: number;
}

/** Called with the run and the state it entered; awaited; an error in it is logged and changes nothing. */
export type Hook = (run: RunView, state: State<unknown>) => unknown;

/** How a Dask cluster treats a submitted run: Dask's annotations. */
export interface DaskAnnotations {
  /** Higher goes first, among what waits for a worker. Default 0. */
  readonly priority?: number;
  /** How often Dask itself runs it again when its process has died, before the run is told of it. Default 0. */
  readonly retries?: number;
  /** What it takes of each resource of a worker (`dask worker --resources "GPU=1"`). */
  readonly resources?: Readonly<Record<string, number>>;
  /** Workers that may run it: addresses, names or hosts. Default: any. */
  readonly workers?: readonly string[];
  /** Whether it may run elsewhere when none of `workers` is there. Default false. */
  readonly allowOtherWorkers?: boolean;
}

/** Options that flows and tasks share. Prefect's, in camelCase. */
export interface RunOptions {
  readonly description?: string;
  readonly version?: string;
  /** How often a failed run is tried again. Default 0. */
  readonly retries?: number;
  /** Seconds before each retry: one number, one for each (the last one repeats), or a function of the 1-based retry. Default 0. */
  readonly retryDelaySeconds?: RetryDelay;
  /** 0 or more: how far each delay is drawn at random around its value, at most to delay · (1 + factor). Default 0. */
  readonly retryJitterFactor?: number;
  /** Asked before a retry; false, or a throw, fails the run at once. */
  readonly retryCondition?: (error: unknown, run: RunView) => boolean | Promise<boolean>;
  /** Seconds that one attempt may take; past it the run fails with the state name "TimedOut". Default: no limit, as for Infinity. */
  readonly timeoutSeconds?: number;
  /** Keeps the value in the result store. Default: SLUICE_RESULTS_PERSIST_BY_DEFAULT, and true for a task with a `cachePolicy`. */
  readonly persistResult?: boolean;
  /** Where values are kept; default: files under SLUICE_LOCAL_STORAGE_PATH. */
  readonly resultStorage?: ResultStore;
  readonly tags?: readonly string[];
  /** Whether `console.*` in the body also goes to the run's log. Default SLUICE_LOG_PRINTS, or the parent run's. */
  readonly logPrints?: boolean;
  readonly onRunning?: Hook | readonly Hook[];
  readonly onCompletion?: Hook | readonly Hook[];
  readonly onFailure?: Hook | readonly Hook[];
  readonly onCancellation?: Hook | readonly Hook[];
  readonly onCrashed?: Hook | readonly Hook[];
  /** Identity inside the parent run in place of the arguments' hash: two calls with the same key are the same child. */
  readonly key?: string | ((...args: never[]) => string);
  /** Futures that must have completed before the run starts, beside those among its arguments. */
  readonly waitFor?: readonly PromiseLike<unknown>[];
  /** Milliseconds that a cancelled or timed-out body on another thread or process gets to settle by itself. Default 2,000. */
  readonly graceMs?: number;
  /** How a `DaskTaskRunner` submits it; other runners do not look. */
  readonly dask?: DaskAnnotations;
  /** What a `RayTaskRunner` gives to the remote function's `.options()`: `num_cpus`, `num_gpus`, `resources`, `max_retries` and the like; other runners do not look. */
  readonly ray?: Readonly<Record<string, unknown>>;
}

/** Options of a task. */
export interface TaskOptions extends RunOptions {
  /** Template such as `"load-{table}"`, or a function of the parameters. */
  readonly taskRunName?: string | ((parameters: Readonly<Record<string, unknown>>) => string);
  /** When a stored result of an equal call is taken instead of running. Default: none. */
  readonly cachePolicy?: CachePolicy;
  /** Seconds after which a cached result is no longer taken. Default: never. */
  readonly cacheExpiration?: number;
  /** Runs and stores anew even where a cached result exists. */
  readonly refreshCache?: boolean;
  /** Called when the transaction that the run belongs to is rolled back. */
  readonly onRollback?: (transaction: Transaction) => unknown;
  /** Called when the transaction that the run belongs to commits. */
  readonly onCommit?: (transaction: Transaction) => unknown;
  /** Where submitted runs of this task go, in place of the flow's `taskRunner`. */
  readonly taskRunner?: TaskRunner;
}

/** Options of a flow. */
export interface FlowOptions extends RunOptions {
  /** Template such as `"audit-{folder}"`, or a function of the parameters. Default: two random words. */
  readonly flowRunName?: string | ((parameters: Readonly<Record<string, unknown>>) => string);
  /** Where everything that the flow submits runs, tasks and subflows. Default `ConcurrentTaskRunner`. */
  readonly taskRunner?: TaskRunner;
  /** Validates and types the one parameter of the flow; any Standard Schema. */
  readonly params?: StandardSchemaV1;
}

/** Any function a user makes a flow or task of. */
export type RunFunction = (...args: never[]) => unknown;

interface DefinitionBase {
  readonly name: string;
  readonly fn: RunFunction;
  readonly reference: FunctionReference;
  /** Name and hash of the source: changed code is another child, and is not adopted. */
  readonly taskKey: string;
  /** Options given by `with()` at run time: they travel with the run spec, as far as they are plain data. */
  readonly overrides: Readonly<Record<string, unknown>>;
  /** The runner given by `with()`: where a submitted run goes, before the flow's own. */
  readonly carrier: TaskRunner | null;
  /** `module:function` of the Python function that it stands for, null for one of its own. */
  readonly python: string | null;
  /** Names of the function's parameters, read from its source at the first look. */
  readonly parameterNames: () => readonly string[];
}

/** A task as declared. */
export interface TaskDefinition extends DefinitionBase {
  readonly kind: "task";
  readonly options: TaskOptions;
}

/** A flow as declared. */
export interface FlowDefinition extends DefinitionBase {
  readonly kind: "flow";
  readonly options: FlowOptions;
}

export type Definition = TaskDefinition | FlowDefinition;

/** What a hook option holds, as a list. */
export function hooksOf(option: Hook | readonly Hook[] | undefined): readonly Hook[] {
  if (option === undefined) return [];
  return typeof option === "function" ? [option] : option;
}

/** Milliseconds that one attempt may take, null without a limit. */
export function timeoutMsOf({ timeoutSeconds = Infinity }: RunOptions): number | null {
  return timeoutSeconds === Infinity ? null : timeoutSeconds * 1000;
}

/** How an execution ended, for the code that awaits it: never a rejection. */
export type Outcome<R = unknown> = FinalState<R>;

/** Names the arguments of a call as they go on the wire and into templates. */
export function namedArguments(definition: Definition, args: readonly unknown[]): Readonly<Record<string, unknown>> {
  const takesObject = definition.kind === "flow" && definition.options.params !== undefined;
  return toNamedParameters(definition.fn, args, { takesObject });
}
