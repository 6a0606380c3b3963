import { isNativeError } from "node:util/types";
import type { RunInput } from "../../wire/run-record.ts";
import { isFuture, type Future } from "./future.ts";
import type { FinalState } from "../state.ts";
import { inspected } from "../values/printed-value.ts";

/**
 * What calls take in place of plain arguments: futures, promises, and the wrappers of `allowFailure` and `unmapped`.
 *
 * Futures are found at the top level of the arguments and inside arrays, two levels deep. They are awaited before the run starts and recorded as its inputs.
 */
const ARRAY_DEPTH = 2;

/** Hands a future's final state on without failing the run that takes it; made by {@link allowFailure}. */
export class AllowFailure<out R> {
  readonly future: PromiseLike<R>;

  constructor(future: PromiseLike<R>) {
    this.future = future;
  }
}

/**
 * Lets a run start although the future among its arguments failed: the body gets the error in place of the value.
 *
 * @returns to be given as an argument of `submit` or `map`
 */
export function allowFailure<R>(future: PromiseLike<R>): AllowFailure<R | Error> {
  return new AllowFailure<R | Error>(future);
}

/** One value for every call of a `map`; made by {@link unmapped}. */
export class Unmapped<out T> {
  readonly value: T;

  constructor(value: T) {
    this.value = value;
  }
}

/** Gives the same value, future or promise to every call of a `map`. */
export function unmapped<T>(value: T): Unmapped<T> {
  return new Unmapped(value);
}

/** Arguments with everything awaited, and which runs they came from. */
export type ResolvedCall =
  | {
      readonly ok: true;
      readonly args: readonly unknown[];
      readonly inputs: Readonly<Record<string, readonly RunInput[]>>;
    }
  | { readonly ok: false; readonly message: string; readonly cause: Error };

/** Tells whether anything among the arguments must be awaited. */
export function needsResolution(args: readonly unknown[]): boolean {
  for (const arg of args) if (isPending(arg, ARRAY_DEPTH)) return true;
  return false;
}

function isPending(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof AllowFailure || isFuture(value) || isThenable(value)) return true;
  return depth > 0 && Array.isArray(value) && value.some((item) => isPending(item, depth - 1));
}

export interface ResolveOptions {
  readonly waitFor: readonly PromiseLike<unknown>[];
  /** Whether large values that are on a cluster are given on as they are ({@link RemoteValue}). Default false: they are fetched. */
  readonly keepsRemote?: boolean;
}

/** Awaits what {@link needsResolution} found and the futures of `waitFor`. Never rejects. */
export async function resolveCall(
  args: readonly unknown[],
  names: readonly string[],
  options: ResolveOptions,
): Promise<ResolvedCall> {
  const inputs: Record<string, RunInput[]> = {};
  const resolution = new Resolution(options.keepsRemote ?? false);
  const resolved = await Promise.all(
    args.map(async (arg, i) => {
      const found: RunInput[] = [];
      const value = await resolution.value(arg, ARRAY_DEPTH, found);
      if (found.length > 0) inputs[names[i] ?? `arg${i}`] = found;
      return value;
    }),
  );
  const before: RunInput[] = [];
  // Their values are not asked for.
  const order = new Resolution(true);
  await Promise.all(options.waitFor.map((future) => order.value(future, 0, before)));
  if (before.length > 0) inputs["wait_for"] = before;
  const failure = resolution.failure ?? order.failure;
  return failure === undefined ? { ok: true, args: resolved, inputs } : { ok: false, ...failure };
}

class Resolution {
  private readonly keepsRemote: boolean;

  constructor(keepsRemote: boolean) {
    this.keepsRemote = keepsRemote;
  }

  failure: { message: string; cause: Error } | undefined;

  async value(value: unknown, depth: number, inputs: RunInput[]): Promise<unknown> {
    if (value instanceof AllowFailure) return this.tolerated(value.future, inputs);
    if (isFuture(value)) return this.future(value, inputs);
    if (isThenable(value)) return this.promise(value);
    if (depth > 0 && Array.isArray(value) && isPending(value, depth)) {
      return Promise.all(value.map((item) => this.value(item, depth - 1, inputs)));
    }
    return value;
  }

  private async future(future: Future<unknown>, inputs: RunInput[]): Promise<unknown> {
    const state = await (this.keepsRemote && future.carried ? future.ended() : future.wait());
    inputs.push(inputOf(future));
    if (state.type === "COMPLETED") return state.data;
    this.fail(`Upstream ${future.kind} run '${future.name}' did not reach a 'COMPLETED' state.`, state);
    return undefined;
  }

  private async tolerated(future: PromiseLike<unknown>, inputs: RunInput[]): Promise<unknown> {
    if (isFuture(future)) {
      const state = await (this.keepsRemote && future.carried ? future.ended() : future.wait());
      inputs.push(inputOf(future));
      return state.type === "COMPLETED" ? state.data : state.error;
    }
    try {
      return await future;
    } catch (error) {
      return asError(error);
    }
  }

  private async promise(promise: PromiseLike<unknown>): Promise<unknown> {
    try {
      return await promise;
    } catch (error) {
      this.failure ??= { message: "A promise among the arguments was rejected.", cause: asError(error) };
      return undefined;
    }
  }

  private fail(message: string, state: Exclude<FinalState<unknown>, { type: "COMPLETED" }>): void {
    this.failure ??= { message, cause: state.error };
  }
}

/** The input that a future stands for in the run graph. */
function inputOf(future: Future<unknown>): RunInput {
  return future.kind === "task" ? { input_type: "task_run", id: future.id } : { input_type: "flow_run", id: future.id };
}

/** What was thrown, as an Error: thrown non-errors keep their text, or are described. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error || isNativeError(thrown)) return thrown;
  return new Error(textOf(thrown), { cause: thrown });
}

function textOf(thrown: unknown): string {
  try {
    const text = String(thrown);
    if (!text.startsWith("[object ")) return text;
  } catch {
    // An object without a text of its own, such as one without a prototype.
  }
  return inspected(thrown, { depth: 1, breakLength: Infinity });
}

/** Tells whether a value is awaited by `await`. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
