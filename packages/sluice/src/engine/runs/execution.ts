import { asError } from "../context/call-arguments.ts";
import { cancelledError } from "../context/cancellation.ts";
import type { Cancellable } from "../context/frame.ts";
import type { StartedRun } from "../context/future.ts";
import type { Outcome } from "../definition.ts";
import type { State } from "../state.ts";
import type { FlowRun, TaskRun } from "../run.ts";
import { isStoreTrouble } from "../store/store-trouble.ts";

/**
 * What every started run has, wherever it is executed: an outcome that settles once, a state to look at, and a way to be asked to stop.
 *
 * `begin` is called once. The outcome then settles with the final state, also where user code beside the body has thrown (a name, a key); it rejects only
 * where the store cannot be used, since a run that cannot be recorded has no state.
 */
export abstract class Execution<R extends FlowRun | TaskRun> implements Cancellable, StartedRun<unknown> {
  abstract readonly carried: boolean;
  readonly run: R;
  /** Among the open children of its parent. */
  openAt = -1;
  protected cancelReason: Error | undefined;
  protected final: Outcome | undefined;
  private startError: Error | undefined;
  private stopWaiting: (() => void) | undefined;
  private settled: Promise<Outcome> | undefined;

  constructor(run: R) {
    this.run = run;
  }

  get outcome(): Promise<Outcome> {
    // Executions are handed out after `begin`.
    return this.settled as Promise<Outcome>;
  }

  currentState(): State<unknown> {
    const { run } = this;
    if (this.final !== undefined) return this.final;
    // A final state is in `final` before anybody can look, so the type is one of the others here.
    const type = run.stateType as Exclude<State<unknown>["type"], Outcome["type"]>;
    return { type, name: run.stateName, message: run.stateMessage, timestamp: new Date(run.stateTimestampUs / 1000) };
  }

  cancel(reason: Error | string = `The ${this.run.kind} run was cancelled.`): void {
    if (this.cancelReason !== undefined || this.final !== undefined) return;
    this.cancelReason = typeof reason === "string" ? cancelledError(reason) : reason;
    this.stopWaiting?.();
    this.onCancel(this.cancelReason, true);
  }

  /** Stops the run because the store says that somebody has set it to CANCELLING. */
  cancelledElsewhere(reason: Error): void {
    if (this.cancelReason !== undefined || this.final !== undefined) return;
    this.cancelReason = reason;
    this.stopWaiting?.();
    this.onCancel(reason, false);
  }

  /** Gives what is awaited before the run can start, or undefined as soon as the run is asked to stop. */
  protected async untilCancelled<T>(awaited: Promise<T>): Promise<T | undefined> {
    if (this.cancelReason !== undefined) return undefined;
    const stopped = new Promise<undefined>((resolve) => {
      this.stopWaiting = () => resolve(undefined);
    });
    return Promise.race([awaited, stopped]);
  }

  /** Fixes what must be fixed in the order of calls, if it can be fixed now, and starts the run. */
  protected begin(identify: (() => void) | undefined): void {
    try {
      identify?.();
    } catch (error) {
      // A key or name function of the user's: the run fails, and whoever called hears of it by its outcome.
      this.startError = asError(error);
    }
    this.settled = this.execute();
    // Whoever awaits the outcome hears of a store that cannot be used; where nobody does, the tracker has said it.
    this.settled.catch(() => undefined);
  }

  /** Asks the body to stop. @param ownWish false when the store knows already that the run is to be cancelled */
  protected abstract onCancel(reason: Error, ownWish: boolean): void;
  protected abstract toFinalState(): Promise<Outcome>;
  /** Ends a run that a function of the user's beside the body has broken. */
  protected abstract broken(error: Error): Promise<Outcome>;
  /** Called when the run is over, or cannot be recorded. */
  protected abstract onEnd(): void;

  private async execute(): Promise<Outcome> {
    try {
      if (this.startError !== undefined) throw this.startError;
      this.final = await this.toFinalState();
    } catch (error) {
      if (isStoreTrouble(error)) throw error;
      this.final = await this.broken(asError(error));
    } finally {
      this.onEnd();
    }
    return this.final;
  }
}
