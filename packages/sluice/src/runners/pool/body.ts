import type { CarryOptions } from "../../engine/task-runner.ts";
import type { Timer } from "../../engine/timer.ts";
import type { RunEnd, RunSpec } from "../../wire/run-spec.ts";
import type { SlotTicket } from "../slot-ledger.ts";

/**
 * The near side of one carried run.
 *
 * `queued` (asks for a slot) → `running` → any number of `seceded` (no slot) → `resuming` (asks again) → `running` → `over` (the body has ended, its states are being
 * reported) → `ended` (the caller has its end). From every state it may go to `ended`: cancelled while queued, or its worker is gone.
 */
export type BodyState = "queued" | "running" | "seceded" | "resuming" | "over" | "ended";

export class Body {
  readonly id: number;
  readonly spec: RunSpec;
  readonly options: CarryOptions;
  readonly end: Promise<RunEnd>;
  state: BodyState = "queued";
  ticket: SlotTicket | undefined;
  /** The value that came with the end of the body. */
  result: { readonly value: unknown } | null = null;
  /** What the run ends as if its worker is terminated now: set by whoever terminates it. */
  decided: RunEnd | undefined;
  /** Asks the run to stop, wherever it is; set by the pool. */
  onAbort: (() => void) | undefined;
  graceTimer: Timer | undefined;
  timeoutTimer: Timer | undefined;
  readonly #resolve: (end: RunEnd) => void;

  constructor(id: number, spec: RunSpec, options: CarryOptions) {
    this.id = id;
    this.spec = spec;
    this.options = options;
    const { promise, resolve } = Promise.withResolvers<RunEnd>();
    this.end = promise;
    this.#resolve = resolve;
  }

  /** Whether its worker's thread may be busy with it now or at any time. */
  get occupies(): boolean {
    return this.state === "running" || this.state === "resuming" || this.state === "seceded";
  }

  /** Ends the run for its caller and gives everything back. Idempotent: the first end counts. */
  finish(end: RunEnd): void {
    if (this.state === "ended") return;
    this.state = "ended";
    this.graceTimer?.clear();
    this.timeoutTimer?.clear();
    if (this.onAbort !== undefined) this.options.signal.removeEventListener("abort", this.onAbort);
    this.ticket?.release();
    this.#resolve(end);
  }
}
