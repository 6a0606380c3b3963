import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { FlowOptions, RunFunction } from "../engine/definition.ts";
import type { FutureStream } from "../engine/context/combinators.ts";
import type { Future } from "../engine/context/future.ts";
import type { FinalState } from "../engine/state.ts";
import { makeCallable } from "./callable.ts";
import type { Args, FlowValue, MapArgs, MapStreamOptions, StreamItems } from "./call-types.ts";
import { readDeclaration } from "./options.ts";

/** A function whose calls are flow runs; inside another flow run, subflow runs. */
export interface Flow<P extends readonly unknown[], R> {
  /** Runs here and gives the value, once the store has acknowledged the final state; throws what the body threw after its last retry. */
  (...args: P): Promise<R>;
  readonly name: string;
  /**
   * Starts a run where the caller's `taskRunner` puts it and returns at once: a whole subflow on another thread or process.
   * Futures and promises among the arguments are awaited first and recorded as inputs.
   *
   * @throws SluiceError SLUICE_NOT_PORTABLE for a flow made at run time, when the runner is a thread or process pool
   */
  submit(...args: Args<P>): Future<R>;
  /** Submits one run for each element; up to 10,000. @throws SluiceError SLUICE_MAP_INVALID, SLUICE_MAP_TOO_LARGE */
  map(...args: MapArgs<P>): Future<R>[];
  /** Submits one run for each item of any number of them, with a bounded window open, and gives the futures as they end. */
  mapStream(items: StreamItems<P>, options?: MapStreamOptions): FutureStream<Future<R>>;
  /**
   * A copy with further options. `taskRunner` given here is where the runs that this flow submits go, and, when the copy itself is submitted, where it goes.
   */
  with(options: FlowOptions): Flow<P, R>;
  /** Runs here and gives the final state instead of throwing. */
  safe(...args: P): Promise<FinalState<R>>;
}

/**
 * Makes a flow of a function: each call is a tracked run with states, logs, a result and a place in the run tree.
 *
 * The name comes first, or from a named function. With `params` the function takes one value, which the schema validates and types.
 *
 * @throws SluiceError SLUICE_NAME_MISSING, SLUICE_OPTION_INVALID; SLUICE_DUPLICATE_NAME for a second, different flow of the same name in a module
 */
export function flow<S extends StandardSchemaV1, R>(
  name: string,
  options: FlowOptions & { readonly params: S },
  fn: (params: StandardSchemaV1.InferOutput<S>) => R,
): Flow<[params: StandardSchemaV1.InferInput<S>], FlowValue<Awaited<R>>>;
export function flow<P extends readonly unknown[], R>(
  name: string,
  fn: (...args: P) => R,
): Flow<P, FlowValue<Awaited<R>>>;
export function flow<P extends readonly unknown[], R>(
  name: string,
  options: FlowOptions,
  fn: (...args: P) => R,
): Flow<P, FlowValue<Awaited<R>>>;
export function flow<P extends readonly unknown[], R>(fn: (...args: P) => R): Flow<P, FlowValue<Awaited<R>>>;
export function flow(...args: readonly unknown[]): unknown {
  const declaration = readDeclaration<RunFunction, FlowOptions>("flow", args);
  return makeCallable({ kind: "flow", ...declaration });
}
