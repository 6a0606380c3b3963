import { EXIT } from "./command-error.ts";

// A terminal sends Ctrl-C to every process in front, and whoever started this one may forward it: what comes at once is one Ctrl-C.
const SAME_MS = 300;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Ctrl-C (or SIGTERM) while a flow runs: the first asks the run to cancel and waits for it, the second ends the process at once.
 *
 * Before there is a run to cancel, the first one ends the process too.
 */
export class Interruption {
  #cancel: ((how: string) => void) | undefined;
  #firstMs: number | undefined;
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    if (this.#firstMs !== undefined && nowMs - this.#firstMs < SAME_MS) return;
    if (this.#firstMs !== undefined || this.#cancel === undefined) process.exit(EXIT.interrupted);
    this.#firstMs = nowMs;
    process.stderr.write("\nCancelling the run; Ctrl-C again ends it at once.\n");
    this.#cancel(signal === "SIGINT" ? "Ctrl-C" : signal);
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Whether a signal has come. */
  get hasCome(): boolean {
    return this.#firstMs !== undefined;
  }

  /** Says what the first signal does; it is told which one that was. */
  onFirst(cancel: (how: string) => void): void {
    this.#cancel = cancel;
  }

  /** Gives the signals back. */
  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }
}
