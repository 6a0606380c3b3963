import { isThenable, Unmapped } from "../engine/context/call-arguments.ts";
import type { FutureIterator, FutureStream } from "../engine/context/combinators.ts";
import { currentFrame } from "../engine/context/frame.ts";
import type { SlotWaits } from "../engine/context/slot-waits.ts";
import { isFuture, type Future } from "../engine/context/future.ts";
import { isTurnOver, turnOver } from "../engine/turn.ts";
import { SluiceError } from "../wire/errors.ts";
import type { MapStreamOptions } from "./call-types.ts";

/** Most calls that `map` starts at once; `mapStream` has no limit. */
export const MAP_LIMIT = 10_000;

const DEFAULT_WINDOW = 1000;
/** Runs that are over and not taken yet, from which on no further ones are started: whoever reads the stream has enough to go on with. */
const READY_RUNS = 32;
/** Runs that are started before those that were may go on. */
const STARTED_AT_ONCE = 16;

/**
 * Turns the arguments of `map` into those of each call.
 *
 * @throws SluiceError SLUICE_MAP_INVALID for a string, a future, something that is not iterable, or lengths that differ; SLUICE_MAP_TOO_LARGE above 10,000 calls
 */
export function mapCalls(name: string, args: readonly unknown[]): readonly (readonly unknown[])[] {
  const columns = args.map((arg, i) => column(name, arg, i));
  const first = columns.find((list) => list !== undefined);
  if (first === undefined) {
    throw invalid(
      name,
      "expected at least one iterable among its arguments, got only unmapped values; call submit() instead",
    );
  }
  const odd = columns.findIndex((list) => list !== undefined && list.length !== first.length);
  if (odd >= 0) {
    throw invalid(
      name,
      `expected iterables of one length, got ${first.length} and ${columns[odd]?.length} (argument ${odd}); wrap a value for all calls in unmapped()`,
    );
  }
  return first.map((_, row) => args.map((arg, i) => (arg instanceof Unmapped ? arg.value : columns[i]?.[row])));
}

function column(name: string, arg: unknown, position: number): readonly unknown[] | undefined {
  if (arg instanceof Unmapped) return undefined;
  if (typeof arg === "string")
    throw invalid(
      name,
      `expected an iterable as argument ${position}, got a string; wrap it in an array or in unmapped()`,
    );
  if (isFuture(arg))
    throw invalid(
      name,
      `expected an iterable as argument ${position}, got a future of one; await it first, so that its length is known`,
    );
  if (typeof arg !== "object" || arg === null || !(Symbol.iterator in arg)) {
    throw invalid(
      name,
      `expected an iterable as argument ${position}, got ${arg === null ? "null" : typeof arg}; wrap a value for all calls in unmapped()`,
    );
  }
  const list: unknown[] = [];
  for (const item of arg as Iterable<unknown>) {
    if (list.length === MAP_LIMIT) {
      throw new SluiceError(
        "SLUICE_MAP_TOO_LARGE",
        `"${name}".map() takes at most ${MAP_LIMIT.toLocaleString("en")} calls at once, and got more. Use mapStream(items, { window }), which keeps a bounded number open.`,
      );
    }
    list.push(item);
  }
  return list;
}

function invalid(name: string, story: string): SluiceError {
  return new SluiceError("SLUICE_MAP_INVALID", `"${name}".map() ${story}.`);
}

/**
 * Submits one call for each item while at most `window` are open, and gives the futures as they end.
 *
 * The source is read only as fast as runs end. Ending the loop early stops reading; open runs go on.
 */
export function mapStream<R>(
  submit: (item: unknown) => Future<R>,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  options: MapStreamOptions,
): FutureStream<Future<R>> {
  const window = options.window ?? DEFAULT_WINDOW;
  if (!Number.isInteger(window) || window < 1) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `mapStream() expected "window" to be a whole number from 1, got ${String(options.window)}.`,
    );
  }
  return { [Symbol.asyncIterator]: () => new StreamIterator(submit, items, window) };
}

class StreamIterator<R> implements FutureIterator<Future<R>> {
  private readonly submit: (item: unknown) => Future<R>;
  private readonly source: Iterator<unknown> | AsyncIterator<unknown>;
  private readonly window: number;
  private readonly ended: Future<R>[] = [];
  private open = 0;
  private slotWaits: SlotWaits | null = null;
  private exhausted = false;
  private wake: (() => void) | undefined;

  constructor(submit: (item: unknown) => Future<R>, items: Iterable<unknown> | AsyncIterable<unknown>, window: number) {
    this.submit = submit;
    this.source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    this.window = window;
  }

  async next(): Promise<IteratorResult<Future<R>, undefined>> {
    for (let started = 1; this.mayStart(); started++) {
      // What is started and has to wait for its turn would only be held in memory, as would what has ended long before it is taken.
      if (isTurnOver()) {
        if (this.ended.length > 0) break;
        await turnOver();
      } else if (started % STARTED_AT_ONCE === 0) {
        await Promise.resolve();
      }
      const next = this.source.next();
      const item = isThenable(next) ? await next : next;
      if (item.done === true) this.exhausted = true;
      else this.start(item.value);
    }
    while (this.ended.length === 0 && this.open > 0) {
      const end = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      // A body that only waits for runs on other executors gives its slot back.
      await (this.slotWaits === null ? end : this.slotWaits.during(end));
    }
    const future = this.ended.shift();
    return future === undefined ? { done: true, value: undefined } : { done: false, value: future };
  }

  private mayStart(): boolean {
    return !this.exhausted && this.open < this.window && this.ended.length < READY_RUNS;
  }

  async return(): Promise<IteratorResult<Future<R>, undefined>> {
    this.exhausted = true;
    this.ended.length = 0;
    await this.source.return?.();
    return { done: true, value: undefined };
  }

  private start(item: unknown): void {
    this.open++;
    const future = this.submit(item);
    if (future.carried) this.slotWaits = currentFrame()?.scope.slotWaits ?? null;
    const onEnd = () => {
      this.open--;
      this.ended.push(future);
      this.wake?.();
    };
    void future.settled().then(onEnd, onEnd);
  }
}
