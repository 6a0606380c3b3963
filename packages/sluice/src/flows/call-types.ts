import type { AllowFailure, Unmapped } from "../engine/context/call-arguments.ts";
import type { Future } from "../engine/context/future.ts";

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

/** Options of `mapStream`. */
export interface MapStreamOptions {
  /** How many runs may be open at once. Default 1,000. */
  readonly window?: number;
}
