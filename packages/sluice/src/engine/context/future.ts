import { SluiceError } from "../../wire/errors.ts";
import type { Outcome } from "../definition.ts";
import { currentFrame } from "./frame.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { beginWait } from "./wait-graph.ts";
import { finalState, valueOf, type FinalState, type State } from "../state.ts";
import { Timer } from "../timer.ts";
import { RemoteValue } from "../values/remote-value.ts";

const BRAND = Symbol.for("sluice.future");

/** What a future stands on: a run that was started. */
export interface StartedRun<R> {
  readonly run: { readonly id: string; readonly name: string; readonly kind: "flow" | "task" };
  /** Settles when the run is over; never rejects. */
  readonly outcome: Promise<Outcome<R>>;
  /** Where the run stands now. */
  currentState(): State<R>;
  cancel(reason?: string): void;
  /** True for a run that a runner carries elsewhere: waiting for it gives the waiting body's slot back. */
  readonly carried: boolean;
}

export interface WaitOptions {
  /** Seconds to wait before giving up. Default: for ever. */
  readonly timeoutSeconds?: number;
}

/**
 * Handle of a submitted run; settles once.
 *
 * Awaiting it gives the value, or throws the run's error. A failed future that nobody awaits does not end the process, and does not decide its parent's final
 * state: only what a flow returns, or throws, does. A Future returned from an async function becomes its value there, as with any thenable.
 */
export class Future<out R> implements PromiseLike<R> {
  private readonly started: StartedRun<R>;

  constructor(started: StartedRun<R>) {
    this.started = started;
  }

  get [BRAND](): true {
    return true;
  }

  /** Id of the run. That of a flow run on a Prefect server is provisional until the server has named the run, which is before its body starts. */
  get id(): string {
    return this.started.run.id;
  }

  /** Name of the run. */
  get name(): string {
    return this.started.run.name;
  }

  get kind(): "flow" | "task" {
    return this.started.run.kind;
  }

  /** Where the run stands, as this process knows it. */
  get state(): State<R> {
    return this.started.currentState();
  }

  // oxlint-disable-next-line no-thenable -- a Future is awaited like a promise
  then<A = R, B = never>(
    onValue?: ((value: R) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.wait().then(valueOf).then(onValue, onError);
  }

  /**
   * The value of the run.
   *
   * @throws the run's error; SluiceError SLUICE_TIMED_OUT when `timeoutSeconds` pass first (the run goes on)
   */
  async result(options: WaitOptions = {}): Promise<R> {
    return valueOf(await this.wait(options));
  }

  /**
   * The final state of the run; does not throw for a run that failed.
   *
   * @throws SluiceError SLUICE_TIMED_OUT as `result`; SLUICE_CIRCULAR_FUTURE when the run itself waits for the run that asks
   */
  async wait(options: WaitOptions = {}): Promise<FinalState<R>> {
    const state = await this.ended(options);
    return state.type === "COMPLETED" && state.data instanceof RemoteValue ? this.fetched(state, state.data) : state;
  }

  /** @internal As `wait`, but a large value stays where it is: for whoever only needs to know that the run is over, or hands the value on. */
  async ended(options: WaitOptions = {}): Promise<FinalState<R>> {
    const { outcome, carried, run } = this.started;
    const { timeoutSeconds } = options;
    const frame = currentFrame();
    if (frame === undefined) {
      return timeoutSeconds === undefined ? outcome : beforeTimeout(outcome, timeoutSeconds, this.name);
    }
    if (isFinalStateType(this.started.currentState().type)) return outcome;
    const endWait = beginWait(frame, run);
    try {
      const settled = timeoutSeconds === undefined ? outcome : beforeTimeout(outcome, timeoutSeconds, this.name);
      const waits = carried ? frame.scope.slotWaits : null;
      return await (waits === null ? settled : waits.during(settled));
    } finally {
      endWait();
    }
  }

  /** @internal True for a run that a runner carries elsewhere. */
  get carried(): boolean {
    return this.started.carried;
  }

  /** @internal Settles when the run is over, without being a wait of the calling body: for iterators that wait once for many. */
  settled(): Promise<Outcome<R>> {
    return this.started.outcome;
  }

  private async fetched(state: FinalState<R>, remote: RemoteValue): Promise<FinalState<R>> {
    const { name, message, timestamp } = state;
    const timestampUs = timestamp.getTime() * 1000;
    return finalState({ type: "COMPLETED", name, message, timestampUs, outcome: { value: await remote.fetch() } });
  }

  /** Asks the run, and everything below it, to stop. It ends as CANCELLED when its body has settled or was terminated. */
  cancel(reason?: string): void {
    this.started.cancel(reason);
  }

  get [Symbol.toStringTag](): string {
    return "Future";
  }
}

/** Tells whether a value is a future, from whichever copy of the package. */
export function isFuture(value: unknown): value is Future<unknown> {
  return typeof value === "object" && value !== null && BRAND in value;
}

function beforeTimeout<T>(promise: Promise<T>, seconds: number, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = new Timer(seconds * 1000, () => {
      reject(
        new SluiceError("SLUICE_TIMED_OUT", `Run "${name}" was not over after ${seconds} s of waiting; it goes on.`),
      );
    });
    void promise.then(resolve, reject).finally(() => timer.clear());
  });
}
