import { retryDelaySeconds } from "../../rules/retry-delay.ts";
import type { RunOptions, RunView } from "../definition.ts";

/**
 * Decides whether a failed attempt is tried again.
 *
 * @param attempt 1-based number of the attempt that failed
 * @returns milliseconds to wait first, or undefined when the run is to fail
 */
export async function retryDelayMs(
  options: RunOptions,
  attempt: { readonly error: unknown; readonly number: number; readonly view: () => RunView },
): Promise<number | undefined> {
  const retries = options.retries ?? 0;
  if (attempt.number > retries) return undefined;
  if (options.retryCondition !== undefined && !(await options.retryCondition(attempt.error, attempt.view())))
    return undefined;
  const jitter = { factor: options.retryJitterFactor ?? 0, random: Math.random() };
  return retryDelaySeconds(options.retryDelaySeconds ?? 0, attempt.number, jitter) * 1000;
}
