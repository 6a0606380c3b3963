import type { AllowFailure, Unmapped } from "../engine/context/call-arguments.ts";
import type { Future } from "../engine/context/future.ts";
import type { FinalState } from "../engine/state.ts";

/** An argument of `submit`: itself, a future or promise of it, or an array of those. */
export type Arg<T> =
  | T
  | Future<T>
  | PromiseLike<T>
  | AllowFailure<T>
  | (T extends readonly (infer E)[] ? readonly Arg<E>[] : never);

/** The arguments of `submit` for a function with parameters `P`. */
export type Args<P extends readonly unknown[]> = { [K in keyof P]: Arg<P[K]> };

/** The arguments of `map`: an iterable for each parameter, or one value for all calls by `unmapped`. */
export type MapArgs<P extends readonly unknown[]> = { [K in keyof P]: Iterable<Arg<P[K]>> | Unmapped<Arg<P[K]>> };

/** Items of `mapStream`, for a function that can be called with one argument. */
export type StreamItems<P extends readonly unknown[]> = P extends readonly []
  ? Iterable<undefined> | AsyncIterable<undefined>
  : [P[0]] extends P
    ? Iterable<P[0]> | AsyncIterable<P[0]>
    : never;

/** The value of a flow whose function returns `R`: that of a state, the values of a list of nothing but futures and states, else `R` itself. */
export type FlowValue<R> = R extends readonly (Future<unknown> | FinalState<unknown>)[]
  ? { -readonly [K in keyof R]: ValueOf<R[K]> }
  : ValueOf<R, R>;

/** The value of a task whose function returns `R`: that of a state, the values of a list of nothing but states, else `R` itself. */
export type TaskValue<R> = R extends readonly FinalState<unknown>[]
  ? { -readonly [K in keyof R]: ValueOf<R[K]> }
  : R extends Future<unknown>
    ? R
    : ValueOf<R, R>;

/** The value of a future or state; of `any`, `any`. */
type ValueOf<F, Other = never> = 0 extends 1 & F
  ? F
  : F extends Future<infer T>
    ? T
    : F extends FinalState<unknown>
      ? F extends { readonly type: "COMPLETED"; readonly data: infer T }
        ? T
        : never
      : Other;

/** Options of `mapStream`. */
export interface MapStreamOptions {
  /** How many runs may be open at once. Default 1,000. */
  readonly window?: number;
}
