/** How many runs are over and not fetched yet, and how many are not over. */
export interface OpenRuns {
  readonly wanted: number;
  readonly waiting: number;
}

/** Runs that wait for each thread of the cluster while it is busy whatever its client does next. */
const BUSY_PER_THREAD = 2;
/** Milliseconds that a result may wait for others while the cluster is busy, and while it is about to run dry. */
const BUSY_MS = 200;
const DRY_MS = 20;
/** A fetch of this many results is worth its requests. */
const ENOUGH = 500;

/**
 * Milliseconds until results are fetched.
 *
 * Each fetch costs the scheduler and the workers requests, so it is worth a moment while others are about to end: a long one while the cluster has work enough, a short one when
 * what the results lead to is what it does next, none when little else is to come.
 *
 * @param threads of the cluster; 0 while that is not known, which counts as not busy
 */
export function fetchDelayMs({ wanted, waiting }: OpenRuns, threads: number): number {
  if (wanted >= ENOUGH) return 0;
  if (threads > 0 && waiting >= BUSY_PER_THREAD * threads) return BUSY_MS;
  return wanted >= waiting ? 0 : DRY_MS;
}

/** Calls back when it is time to fetch. */
export class FetchPace {
  readonly #due: () => void;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(due: () => void) {
    this.#due = due;
  }

  /** Takes note of another run that is over. It is `due` at the earliest of the times that this has led to. */
  ended(runs: OpenRuns, threads: number): void {
    const delayMs = fetchDelayMs(runs, threads);
    if (delayMs === 0) return this.#fire();
    const dueMs = performance.now() + delayMs;
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => this.#fire(), delayMs);
  }

  #fire(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#due();
  }
}
