import type { RunLink } from "./store/link-artifact.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../wire/run-spec.ts";

/**
 * Where submitted tasks and subflows run.
 *
 * A runner carries a run spec there and reports its end; it decides nothing about states. Constructing one does nothing: its workers start
 * at the first `carry` and stay warm until idle for `idleSeconds` (30) or until the process ends.
 */
export interface TaskRunner {
  /** Kind and options, plain data: a nested submit with an equal description attaches to the live pool of its parent. */
  readonly description: RunnerDescription;
  /** Whether large values may stay where they are: its arguments may hold, and its ends give, a `RemoteValue`. Default false. */
  readonly keepsValues?: boolean;
  /**
   * Carries one run; never rejects. Resolves when the far side has reported and acknowledged the final state, or can no longer do so.
   * Not called for a runner of kind "concurrent": those runs stay on this event loop.
   */
  carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd>;
}

export interface CarryOptions {
  /**
   * Aborted to cancel the run: the far side is asked (its own `AbortSignal`), then after `graceMs` its executor is terminated
   * (thread: terminate; process: SIGTERM, then SIGKILL of its group). The reason is the cancellation message.
   */
  readonly signal: AbortSignal;
  /** Milliseconds that a cancelled or timed-out body gets to settle by itself before its executor is terminated. */
  readonly graceMs: number;
  /**
   * Milliseconds from the start of the body after which it is over. The far side enforces it for code that yields; past `graceMs` more the
   * runner terminates the executor and the end is `failed` with state name "TimedOut".
   */
  readonly timeoutMs: number | null;
  /**
   * Called once, when the body starts there: a slot and an executor are taken.
   *
   * @param startedUs microseconds since the epoch: the timestamp of the Running state that the far side will report
   */
  readonly onStart?: (startedUs: number) => void;
  /** How the run is to be placed: the options of this name that its flow or task was given (`dask`). */
  readonly placement?: unknown;
  /** Called with what the run's log should tell of where it is: what it waits for, where to look. */
  readonly onNotice?: (notice: RunnerNotice) => void;
}

/** Something that a runner has to say about a run. */
export interface RunnerNotice {
  readonly level: "info" | "warning";
  /** Whether it is about all that the flow submits: it then goes to the log of the flow run, not to that of the run that is carried. */
  readonly isOfRunner?: boolean;
  /** Kept with the flow run as an artifact. */
  readonly link?: RunLink;
  readonly message: string;
}

/**
 * The slot that a running body holds in the ledger, given to the engine by the far side.
 *
 * The engine releases it while the body only waits for futures and regains it before the body goes on. Both are idempotent.
 */
export interface SlotHold {
  release(): void;
  /** Resolves when the body may run again; bodies that resume come before new work. */
  regain(): Promise<void>;
}
