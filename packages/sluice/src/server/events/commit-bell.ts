import { Refusal } from "../api-reply.ts";
import type { Store } from "../db/store.ts";

/** Wakes whoever waits for something new: at the next commit, whatever it holds. */
export class CommitBell {
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(store: Store) {
    store.onCommit(() => this.ring());
  }

  /** Resolves at the next commit, or when the signal aborts. @throws Refusal 503 when the server closes */
  async next(signal: AbortSignal): Promise<void> {
    if (!this.#isClosed && !signal.aborted) await this.#wait(signal);
    if (this.#isClosed) throw new Refusal(503, "The server is going away");
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
  }

  /** Wakes everybody. */
  ring(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Wakes everybody and keeps nobody waiting any more. */
  close(): void {
    this.#isClosed = true;
    this.ring();
  }
}
