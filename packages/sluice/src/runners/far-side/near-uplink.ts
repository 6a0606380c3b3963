import type { CarryOptions, TaskRunner } from "../../engine/task-runner.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../../wire/run-spec.ts";
import type { NearMessage, NestedMessage } from "../messages.ts";
import { cancelledEnd, crashedEnd, messageOf, notSerializable } from "../run-end.ts";
import { describe, type Uplink } from "../runtime.ts";
import type { SlotLedger, SlotRequest, SlotTicket } from "../slot-ledger.ts";

/**
 * A worker's way up: slots from the root's ledger, and runs for the pools above.
 *
 * Requests are numbered here and answered by number. When the near side is gone this worker ends, and with it everything that still waits here.
 */
export class NearUplink implements Uplink, SlotLedger {
  readonly pools: readonly RunnerDescription[];
  readonly #post: (message: NestedMessage) => void;
  readonly #waitingSlots = new Map<number, () => void>();
  readonly #carries = new Map<
    number,
    { readonly onStart: CarryOptions["onStart"] | undefined; readonly onEnd: (end: RunEnd) => void }
  >();
  #last = 0;

  constructor(pools: readonly RunnerDescription[], post: (message: NestedMessage) => void) {
    this.pools = pools;
    this.#post = post;
  }

  attach(description: RunnerDescription): TaskRunner | undefined {
    const wanted = describe(description);
    if (!this.pools.some((pool) => describe(pool) === wanted)) return undefined;
    return { description, carry: (spec, options) => this.#carry(description, spec, options) };
  }

  request(request: SlotRequest, granted: (ticket: SlotTicket) => void): SlotTicket {
    const slot = ++this.#last;
    let released = false;
    const ticket: SlotTicket = {
      release: () => {
        if (released) return;
        released = true;
        this.#waitingSlots.delete(slot);
        this.#post({ role: "slot-release", slot });
      },
    };
    this.#waitingSlots.set(slot, () => granted(ticket));
    this.#post({ role: "slot-request", slot, depth: request.depth, resume: request.resume });
    return ticket;
  }

  raise(capacity: number): void {
    this.#post({ role: "slot-raise", capacity });
  }

  /** Takes an answer from the near side; other messages are left alone. */
  receive(message: NearMessage): void {
    if (message.role === "slot-granted") {
      // A grant that crosses a release on the way is given back by that release.
      const granted = this.#waitingSlots.get(message.slot);
      this.#waitingSlots.delete(message.slot);
      granted?.();
    } else if (message.role === "carry-started") {
      this.#carries.get(message.carry)?.onStart?.(message.startedUs);
    } else if (message.role === "carry-result") {
      this.#carries.get(message.carry)?.onEnd(message.end);
    }
  }

  async #carry(description: RunnerDescription, spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    const { signal, graceMs, timeoutMs, onStart } = options;
    if (signal.aborted) return cancelledEnd(messageOf(signal));
    const carry = ++this.#last;
    const { promise, resolve } = Promise.withResolvers<RunEnd>();
    this.#carries.set(carry, { onStart, onEnd: resolve });
    const onAbort = (): void => this.#post({ role: "cancel-carry", carry, message: messageOf(signal) });
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const { placement } = options;
      this.#post({ role: "carry", carry, description, spec, graceMs, timeoutMs, placement });
      return await promise;
    } catch (error) {
      return crashedEnd(notSerializable(spec.args, "args", error));
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#carries.delete(carry);
    }
  }
}
