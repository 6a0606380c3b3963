import type { FinalStateType, StateType } from "../wire/state-types.ts";

interface StateBase {
  /** Free text beside the type, as "Late", "AwaitingRetry", "TimedOut", "Cached". */
  readonly name: string;
  readonly message: string | null;
  /** When the run entered the state. */
  readonly timestamp: Date;
}

/** A run that is over, with its value or with the reason why there is none. */
export type FinalState<R> =
  | (StateBase & { readonly type: "COMPLETED"; readonly data: R })
  | (StateBase & { readonly type: "FAILED" | "CRASHED" | "CANCELLED"; readonly error: Error });

/** Where a run stands; one of nine types. */
export type State<R> = FinalState<R> | (StateBase & { readonly type: Exclude<StateType, FinalStateType> });

const BRAND = Symbol.for("sluice.state");

/** Carries a final state; the timestamp is made a Date only when somebody looks. */
class RunState {
  readonly type: FinalStateType;
  readonly name: string;
  readonly message: string | null;
  readonly data: unknown;
  readonly error: Error | undefined;
  private readonly timestampUs: number;

  constructor(parts: FinalStateParts) {
    const { outcome } = parts;
    const hasValue = "value" in outcome;
    this.type = parts.type;
    this.name = parts.name;
    this.message = parts.message;
    this.timestampUs = parts.timestampUs;
    this.data = hasValue ? outcome.value : undefined;
    this.error = hasValue ? undefined : outcome.error;
  }

  get timestamp(): Date {
    return new Date(this.timestampUs / 1000);
  }

  get [BRAND](): true {
    return true;
  }
}

/** What {@link finalState} is made of: a value exactly when `type` is COMPLETED. */
export type FinalStateParts = {
  readonly name: string;
  readonly message: string | null;
  readonly timestampUs: number;
} & (
  | { readonly type: "COMPLETED"; readonly outcome: { readonly value: unknown } }
  | { readonly type: "FAILED" | "CRASHED" | "CANCELLED"; readonly outcome: { readonly error: Error } }
);

/** Makes the final state of a run from the engine's own words; `R` is the type of the value, which the caller knows. */
export function finalState<R>(parts: FinalStateParts): FinalState<R> {
  // FinalStateParts pairs COMPLETED with a value and the other types with an error, which is all that FinalState asks.
  return new RunState(parts) as unknown as FinalState<R>;
}

/** Makes a state that a flow or task may return to decide its own final state. */
export function completed<R>(data: R, options: { name?: string; message?: string } = {}): FinalState<R> {
  const { name = "Completed", message = null } = options;
  return finalState({ type: "COMPLETED", name, message, timestampUs: Date.now() * 1000, outcome: { value: data } });
}

/** Makes a FAILED state that a flow or task may return: the run fails without throwing, and is retried as after a throw. */
export function failed(reason: Error | string, options: { name?: string; message?: string } = {}): FinalState<never> {
  const error = typeof reason === "string" ? new Error(reason) : reason;
  const { name = "Failed", message = error.message } = options;
  return finalState({ type: "FAILED", name, message, timestampUs: Date.now() * 1000, outcome: { error } });
}

/** Tells whether `value` is a final state made by {@link completed}, {@link failed}, `safe()` or a future. */
export function isState(value: unknown): value is FinalState<unknown> {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** The value of a completed run, else throws the run's error. */
export function valueOf<R>(state: FinalState<R>): R {
  if (state.type === "COMPLETED") return state.data;
  throw state.error;
}
