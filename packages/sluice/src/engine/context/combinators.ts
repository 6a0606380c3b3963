import { SluiceError } from "../../wire/errors.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { Timer } from "../timer.ts";
import { isThenable } from "./call-arguments.ts";
import { isFuture, type Future, type WaitOptions } from "./future.ts";

/** What {@link gather} does beyond awaiting. */
export interface GatherOptions {
  /** Cancels the futures that are still open as soon as one fails. Default false: the others go on. */
  readonly cancelOnFailure?: boolean;
}

/** The values of awaitables, by position. */
export type Gathered<F extends readonly unknown[]> = { -readonly [K in keyof F]: Awaited<F[K]> };

/**
 * Awaits all and gives their values in the order given: a tuple for a tuple. Takes futures, promises and plain values.
 *
 * Resolves at once for an empty list. Rejects with the error of the first that fails.
 *
 * @throws SluiceError SLUICE_OPTION_INVALID for anything but a list
 */
export async function gather<const F extends readonly unknown[]>(
  awaitables: F,
  options: GatherOptions = {},
): Promise<Gathered<F>> {
  checkList(awaitables, "gather");
  try {
    return await Promise.all(awaitables);
  } catch (error) {
    if (options.cancelOnFailure === true) cancelOpen(awaitables, "Another run that was gathered with it failed.");
    throw error;
  }
}

/** Futures apart by whether they were over when the waiting ended. */
export interface WaitResult<F> {
  readonly done: readonly F[];
  readonly notDone: readonly F[];
}

/**
 * Waits until all futures are over, or the time is up. Never rejects because a run failed: look at each future's `state`.
 *
 * @throws SluiceError SLUICE_OPTION_INVALID for anything but a list of futures
 */
export async function wait<F extends Future<unknown>>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): Promise<WaitResult<F>> {
  const all = listOf(futures, "wait");
  await Promise.all(
    all.map(async (future) => {
      try {
        await future.wait(options);
      } catch (error) {
        if (!(error instanceof SluiceError && error.code === "SLUICE_TIMED_OUT")) throw error;
      }
    }),
  );
  const isDone = (future: F) => isFinalStateType(future.state.type);
  return { done: all.filter(isDone), notDone: all.filter((future) => !isDone(future)) };
}

/**
 * Futures one after another, for `for await`.
 *
 * An interface of its own: TypeScript would flatten the thenables of a plain `AsyncIterable` into their values, while at run time the futures come as they are.
 */
export interface FutureStream<F> {
  [Symbol.asyncIterator](): FutureIterator<F>;
}

/** See {@link FutureStream}. */
export interface FutureIterator<F> {
  next(): Promise<IteratorResult<F, undefined>>;
  return(): Promise<IteratorResult<F, undefined>>;
}

/**
 * Gives futures in the order in which they end, each once; those that are over come first, in the order given.
 *
 * Written by hand: an async generator would await each future that it yields, and throw for a failed one.
 *
 * @throws SluiceError SLUICE_OPTION_INVALID for anything but a list of futures; SLUICE_TIMED_OUT from `next()` when `timeoutSeconds` pass, counted from the first `next()`, before all are over
 */
export function asCompleted<F extends Future<unknown>>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): FutureStream<F> {
  const open = new Set(listOf(futures, "asCompleted"));
  return { [Symbol.asyncIterator]: () => new CompletionIterator(open, options.timeoutSeconds) };
}

class CompletionIterator<F extends Future<unknown>> implements FutureIterator<F> {
  private readonly pending: Set<F>;
  private readonly ended: F[] = [];
  private readonly timeoutMs: number | undefined;
  private deadlineMs: number | undefined;
  private started = false;
  private wake: (() => void) | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(futures: ReadonlySet<F>, timeoutSeconds: number | undefined) {
    this.pending = new Set(futures);
    this.timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
  }

  async next(): Promise<IteratorResult<F, undefined>> {
    this.start();
    while (this.ended.length === 0) {
      if (this.failure !== undefined) throw this.failure.error;
      if (this.pending.size === 0) return { done: true, value: undefined };
      await this.nextEnd();
    }
    return this.take();
  }

  return(): Promise<IteratorResult<F, undefined>> {
    this.pending.clear();
    this.ended.length = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  private take(): IteratorResult<F, undefined> {
    const future = this.ended.shift();
    // A future is a thenable, and this object is what an async function resolves with: only its value must not be one.
    return future === undefined ? { done: true, value: undefined } : { done: false, value: future };
  }

  private start(): void {
    if (this.started) return;
    this.started = true;
    if (this.timeoutMs !== undefined) this.deadlineMs = performance.now() + this.timeoutMs;
    for (const future of this.pending) {
      void future.ended().then(
        () => this.onEnd(future),
        (error: unknown) => {
          this.failure ??= { error };
          this.wake?.();
        },
      );
    }
  }

  private onEnd(future: F): void {
    if (!this.pending.delete(future)) return;
    this.ended.push(future);
    this.wake?.();
  }

  private nextEnd(): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      if (this.deadlineMs !== undefined) {
        timer = new Timer(Math.max(0, this.deadlineMs - performance.now()), () => reject(this.timedOut()));
      }
      this.wake = () => {
        timer?.clear();
        this.wake = undefined;
        resolve();
      };
    });
  }

  private timedOut(): SluiceError {
    const seconds = (this.timeoutMs ?? 0) / 1000;
    return new SluiceError(
      "SLUICE_TIMED_OUT",
      `${this.pending.size} run(s) were not over after ${seconds} s; they go on.`,
    );
  }
}

/**
 * Gives the value of the first that completes, and cancels the runs that lost, really: their bodies are asked to stop.
 *
 * A failure does not win while another may complete. Resolves when the winner is known, not when the losers have ended.
 *
 * @throws AggregateError when all fail; SluiceError SLUICE_OPTION_INVALID for an empty list, or anything but a list
 */
export async function race<R>(futures: Iterable<PromiseLike<R>>): Promise<R> {
  checkList(futures, "race");
  const all = [...futures];
  if (all.length === 0)
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      "race() expected at least one future, got none: nothing could ever win.",
    );
  try {
    return await Promise.any(all);
  } finally {
    cancelOpen(all, "Another run of the race completed first.");
  }
}

function cancelOpen(awaitables: readonly unknown[], reason: string): void {
  for (const item of awaitables) if (isFuture(item) && !isFinalStateType(item.state.type)) item.cancel(reason);
}

function listOf<F extends Future<unknown>>(futures: Iterable<F>, name: string): F[] {
  checkList(futures, name);
  const all = [...futures];
  const odd = all.findIndex((future) => !isFuture(future));
  if (odd === -1) return all;
  throw new SluiceError(
    "SLUICE_OPTION_INVALID",
    `${name}() expected a list of futures, got ${kindOf(all[odd])} at position ${odd}. A future is what submit() and map() give; a call without them is a promise, which gather() takes.`,
  );
}

/** Python's `gather(a, b)` is `gather([a, b])` here, and without a type check nobody would say so. */
function checkList(given: unknown, name: string): void {
  if (typeof given === "object" && given !== null && Symbol.iterator in given) return;
  throw new SluiceError(
    "SLUICE_OPTION_INVALID",
    `${name}() expected a list, as ${name}([a, b]), got ${kindOf(given)}.`,
  );
}

function kindOf(value: unknown): string {
  if (isFuture(value)) return "a future";
  if (isThenable(value)) return "a promise";
  return value === null ? "null" : `a value of type ${typeof value}`;
}
