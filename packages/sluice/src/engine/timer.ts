/** Longest time that `setTimeout` can count, in milliseconds (24.8 days): what is longer would be over at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls back once after any time, however long: never for Infinity. */
export class Timer {
  #timer: NodeJS.Timeout;

  constructor(ms: number, callback: () => void) {
    this.#timer = this.#start(ms, callback);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #start(ms: number, callback: () => void): NodeJS.Timeout {
    if (ms <= LONGEST_TIMER_MS) return setTimeout(callback, ms);
    return setTimeout(() => {
      this.#timer = this.#start(ms - LONGEST_TIMER_MS, callback);
    }, LONGEST_TIMER_MS);
  }
}
