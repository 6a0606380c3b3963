/** Failures that are forgiven within {@link WINDOW_MS}. */
const FORGIVEN = 5;
const WINDOW_MS = 60_000;
const FIRST_BLOCK_MS = 60_000;
const LONGEST_BLOCK_MS = 900_000;
/** Who failed and is remembered; the oldest are forgotten first. */
const MAX_REMEMBERED = 10_000;

interface Failures {
  count: number;
  firstMs: number;
  blockMs: number;
  blockedUntilMs: number;
}

/**
 * Slows down whoever guesses passwords: after five failures within a minute nothing more is looked at for a minute, then for two, and so on up to fifteen.
 *
 * Counted by address and user name; a success forgets the failures.
 */
export class LoginThrottle {
  readonly #failures = new Map<string, Failures>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Milliseconds for which a login is not looked at; 0 when it is. */
  blockedForMs(who: string): number {
    const until = this.#failures.get(who)?.blockedUntilMs ?? 0;
    return Math.max(0, until - this.#nowMs());
  }

  failed(who: string): void {
    const nowMs = this.#nowMs();
    const known = this.#failures.get(who);
    const isOver = known && known.blockMs === 0 && nowMs - known.firstMs > WINDOW_MS;
    const isForgotten = known && known.blockMs > 0 && nowMs - known.blockedUntilMs > LONGEST_BLOCK_MS;
    const failures =
      known && !isOver && !isForgotten ? known : { count: 0, firstMs: nowMs, blockMs: 0, blockedUntilMs: 0 };
    failures.count++;
    if (failures.count >= FORGIVEN) {
      failures.blockMs = Math.min(LONGEST_BLOCK_MS, failures.blockMs === 0 ? FIRST_BLOCK_MS : failures.blockMs * 2);
      failures.blockedUntilMs = nowMs + failures.blockMs;
    }
    this.#failures.delete(who);
    this.#failures.set(who, failures);
    if (this.#failures.size > MAX_REMEMBERED) this.#failures.delete(this.#failures.keys().next().value ?? "");
  }

  succeeded(who: string): void {
    this.#failures.delete(who);
  }
}
