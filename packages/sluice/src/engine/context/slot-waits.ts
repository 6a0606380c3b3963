import type { SlotHold } from "../task-runner.ts";

/**
 * Gives a body's slot back while the body only waits for futures.
 *
 * States: *held* (the body may compute) and *released* (every look at the event loop so far found it waiting).
 * 1. A wait that starts releases the slot at the next macrotask, unless it ended before: a future that is settled costs nothing.
 * 2. A wait that ends regains the slot before its code goes on; several that end together regain once.
 * 3. While other waits go on after a regain, the slot is released again at the next macrotask.
 * Release and regain are idempotent in the hold itself, so a lost executor needs no bookkeeping here.
 */
export class SlotWaits {
  private readonly hold: SlotHold;
  private waiting = 0;
  private regaining: Promise<void> | undefined;
  private released = false;
  private releasePlanned = false;

  constructor(hold: SlotHold) {
    this.hold = hold;
  }

  /** Awaits `promise` as a wait of the body. */
  async during<T>(promise: Promise<T>): Promise<T> {
    this.waiting++;
    this.planRelease();
    try {
      return await promise;
    } finally {
      this.waiting--;
      await this.regain();
      if (this.waiting > 0) this.planRelease();
    }
  }

  private planRelease(): void {
    if (this.releasePlanned || this.released) return;
    this.releasePlanned = true;
    setImmediate(() => {
      this.releasePlanned = false;
      if (this.waiting === 0 || this.released || this.regaining !== undefined) return;
      this.released = true;
      this.hold.release();
    });
  }

  private async regain(): Promise<void> {
    if (!this.released) return;
    this.regaining ??= this.hold.regain().then(() => {
      this.released = false;
      this.regaining = undefined;
    });
    await this.regaining;
  }
}
