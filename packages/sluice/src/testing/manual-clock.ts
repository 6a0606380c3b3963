import type { Clock } from "../engine/ports.ts";

interface Sleeper {
  readonly dueUs: number;
  readonly wake: () => void;
}

/** A clock that is moved by hand: sleeping takes no time, until somebody moves it. */
export class ManualClock implements Clock {
  private us: number;
  private sleepers: Sleeper[] = [];
  private readonly watchers = new Set<() => void>();
  /** Milliseconds that were slept for, in order. */
  readonly slept: number[] = [];

  constructor(startUs = 1_700_000_000_000_000) {
    this.us = startUs;
  }

  nowUs(): number {
    return this.us;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    if (signal?.aborted) return Promise.reject(signal.reason as Error); // an AbortSignal of the engine carries an Error
    return new Promise((resolve, reject) => {
      const sleeper = { dueUs: this.us + Math.round(ms * 1000), wake: resolve };
      this.sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper);
        reject(signal.reason as Error); // as above
      });
      for (const watcher of this.watchers) watcher();
    });
  }

  /** Resolves when somebody sleeps. */
  async untilAsleep(): Promise<void> {
    while (this.sleepers.length === 0) {
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.watchers.delete(watcher);
          resolve();
        };
        this.watchers.add(watcher);
      });
    }
  }

  /** Moves the clock on and wakes whoever is due. */
  advance(ms: number): void {
    this.us += Math.round(ms * 1000);
    const due = this.sleepers.filter((sleeper) => sleeper.dueUs <= this.us);
    this.sleepers = this.sleepers.filter((sleeper) => sleeper.dueUs > this.us);
    for (const sleeper of due) sleeper.wake();
  }
}
