import { LONGEST_RETRY_DELAY_SECONDS, retryDelaySeconds } from "../../rules/retry-delay.ts";
import { SluiceError } from "../../wire/errors.ts";
import { asError } from "../context/call-arguments.ts";
import type { RunOptions, RunView } from "../definition.ts";

/** An attempt that failed, and is perhaps to be followed by another. */
export interface FailedAttempt {
  readonly error: unknown;
  /** 1-based. */
  readonly number: number;
  readonly view: () => RunView;
  /** Told why there is no other attempt although one is left: an option's function threw, or gave what is no delay. */
  readonly onNoRetry: (reason: string) => void;
}

/**
 * Decides whether a failed attempt is tried again. Never rejects.
 *
 * @returns milliseconds to wait first, or undefined when the run is to fail
 */
export async function retryDelayMs(options: RunOptions, attempt: FailedAttempt): Promise<number | undefined> {
  if (attempt.number > (options.retries ?? 0)) return undefined;
  let asked = "retryCondition";
  try {
    if (options.retryCondition !== undefined && !(await options.retryCondition(attempt.error, attempt.view())))
      return undefined;
    asked = "retryDelaySeconds";
    const jitter = { factor: options.retryJitterFactor ?? 0, random: Math.random() };
    return checked(retryDelaySeconds(options.retryDelaySeconds ?? 0, attempt.number, jitter)) * 1000;
  } catch (error) {
    attempt.onNoRetry(`Its ${asked} threw, the run is not tried again: ${asError(error).message}`);
    return undefined;
  }
}

function checked(seconds: unknown): number {
  if (typeof seconds === "number" && seconds <= LONGEST_RETRY_DELAY_SECONDS) return seconds;
  throw new SluiceError(
    "SLUICE_OPTION_INVALID",
    `expected a function that gives seconds from 0 to ${LONGEST_RETRY_DELAY_SECONDS}, got ${String(seconds)}.`,
  );
}
