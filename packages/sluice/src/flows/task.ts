import type { RunFunction, TaskOptions } from "../engine/definition.ts";
import type { FutureStream } from "../engine/context/combinators.ts";
import type { Future } from "../engine/context/future.ts";
import type { FinalState } from "../engine/state.ts";
import { makeCallable } from "./callable.ts";
import type { Args, MapArgs, MapStreamOptions, StreamItems, TaskValue } from "./call-types.ts";
import { readDeclaration } from "./options.ts";

/** A function whose calls are task runs. */
export interface Task<P extends readonly unknown[], R> {
  /** Runs here, within the flow that calls, and gives the value; throws what the body threw after its last retry. */
  (...args: P): Promise<R>;
  readonly name: string;
  /**
   * Starts a run where the task runner puts it and returns at once. Futures and promises among the arguments are awaited first and recorded as inputs.
   *
   * @throws SluiceError SLUICE_NOT_PORTABLE for a task made at run time, when the runner is a thread or process pool
   */
  submit(...args: Args<P>): Future<R>;
  /** Submits one run for each element; up to 10,000. @throws SluiceError SLUICE_MAP_INVALID, SLUICE_MAP_TOO_LARGE */
  map(...args: MapArgs<P>): Future<R>[];
  /** Submits one run for each item of any number of them, with a bounded window open, and gives the futures as they end. */
  mapStream(items: StreamItems<P>, options?: MapStreamOptions): FutureStream<Future<R>>;
  /** A copy with further options. */
  with(options: TaskOptions): Task<P, R>;
  /** Runs here and gives the final state instead of throwing. */
  safe(...args: P): Promise<FinalState<R>>;
}

/**
 * Makes a task of a function: each call is a tracked run with states, retries, caching and a timeout.
 *
 * The name comes first, or from a named function. Calls return a promise always. A generic function loses its type parameter.
 *
 * @throws SluiceError SLUICE_NAME_MISSING, SLUICE_OPTION_INVALID
 */
export function task<P extends readonly unknown[], R>(
  name: string,
  fn: (...args: P) => R,
): Task<P, TaskValue<Awaited<R>>>;
export function task<P extends readonly unknown[], R>(
  name: string,
  options: TaskOptions,
  fn: (...args: P) => R,
): Task<P, TaskValue<Awaited<R>>>;
export function task<P extends readonly unknown[], R>(fn: (...args: P) => R): Task<P, TaskValue<Awaited<R>>>;
export function task(...args: readonly unknown[]): unknown {
  const declaration = readDeclaration<RunFunction, TaskOptions>("task", args);
  return makeCallable({ kind: "task", ...declaration });
}
