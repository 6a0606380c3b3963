/** A delay as users give it: seconds, seconds per try (the last one repeats), or a function of the 1-based number of the retry. */
export type RetryDelay = number | readonly number[] | ((retry: number) => number);

/** Longest delay that can be given, some 30 years: its end is a date. */
export const LONGEST_RETRY_DELAY_SECONDS = 1e9;

/**
 * Computes the seconds before a retry. Pure.
 *
 * With a jitter factor f the delay is drawn from an exponential distribution around it, cut off at `delay * (1 + f)` above and, below, where
 * as much probability lies under the median as over it, so that the mean stays near the delay: Prefect's `clamped_poisson_interval`.
 *
 * @param delay seconds, never negative; a list may not be longer than what is asked for, its last entry repeats
 * @param retry 1 for the first retry
 * @param jitter `factor` ≥ 0 (0 is none) and `random`, evenly distributed in [0, 1)
 * @returns seconds, at least 0
 */
export function retryDelaySeconds(
  delay: RetryDelay,
  retry: number,
  jitter?: { readonly factor: number; readonly random: number },
): number {
  const seconds = Math.max(0, plainDelay(delay, retry));
  if (!jitter || jitter.factor <= 0 || seconds === 0) return seconds;
  const upper = 1 + jitter.factor;
  const lower = upper >= 50 ? 0 : Math.log2(Math.max(2 ** upper / (2 ** upper - 1), 1e-10));
  const from = 1 - Math.exp(-lower);
  const to = 1 - Math.exp(-upper);
  const drawn = from + (to - from) * jitter.random;
  return -Math.log(Math.max(1 - drawn, 1e-10)) * seconds;
}

function plainDelay(delay: RetryDelay, retry: number): number {
  if (typeof delay === "number") return delay;
  if (typeof delay === "function") return delay(retry);
  return delay[Math.min(retry, delay.length) - 1] ?? 0;
}
