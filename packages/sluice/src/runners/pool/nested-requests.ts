import type { RunEnd } from "../../wire/run-spec.ts";
import { localValue } from "../../engine/values/remote-value.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { NearMessage, NestedMessage } from "../messages.ts";
import { crashedEnd, notSerializable } from "../run-end.ts";
import { describe, runnersRuntime } from "../runtime.ts";
import type { SlotTicket } from "../slot-ledger.ts";

/** A value that was left on a cluster cannot be referred to from the worker that wants it. */
async function fetched(end: RunEnd): Promise<RunEnd> {
  if (end.type !== "completed") return end;
  try {
    return { ...end, value: await localValue(end.value) };
  } catch (error) {
    return crashedEnd(error instanceof Error ? error : new Error(String(error)));
  }
}

/**
 * Serves what runners nested in one worker ask of this side: slots of the ledger, and runs for the pools that live here or further up.
 *
 * All of it belongs to the worker's connection: when that ends, slots are given back and carried runs are cancelled.
 */
export class NestedRequests {
  readonly #post: (message: NearMessage) => void;
  readonly #slots = new Map<number, SlotTicket>();
  readonly #carries = new Map<number, AbortController>();
  #closed = false;

  constructor(post: (message: NearMessage) => void) {
    this.#post = post;
  }

  handle(message: NestedMessage): void {
    switch (message.role) {
      case "slot-request": {
        const { slot } = message;
        this.#slots.set(
          slot,
          runnersRuntime().ledger.request(message, () => {
            if (!this.#closed) this.#post({ role: "slot-granted", slot });
          }),
        );
        return;
      }
      case "slot-release":
        this.#slots.get(message.slot)?.release();
        this.#slots.delete(message.slot);
        return;
      case "slot-raise":
        runnersRuntime().ledger.raise(message.capacity);
        return;
      case "carry":
        void this.#carry(message);
        return;
      case "cancel-carry": {
        const error = new SluiceError("SLUICE_CANCELLED", message.message);
        this.#carries.get(message.carry)?.abort(error);
        return;
      }
    }
  }

  /** Ends all that the worker has asked for. */
  close(): void {
    this.#closed = true;
    for (const ticket of this.#slots.values()) ticket.release();
    this.#slots.clear();
    const reason = new SluiceError("SLUICE_CANCELLED", "The worker of the parent run has ended.");
    for (const controller of this.#carries.values()) controller.abort(reason);
  }

  async #carry(message: NestedMessage & { readonly role: "carry" }): Promise<void> {
    const { carry, spec, description } = message;
    const controller = new AbortController();
    this.#carries.set(carry, controller);
    const { pools, uplink } = runnersRuntime();
    const runner = pools.get(describe(description)) ?? uplink?.attach(description);
    const end =
      runner === undefined
        ? crashedEnd(
            new SluiceError("SLUICE_WORKER_CRASHED", `The ${description.kind} pool of the parent run is closed.`),
          )
        : await runner.carry(spec, {
            placement: message.placement,
            signal: controller.signal,
            graceMs: message.graceMs,
            timeoutMs: message.timeoutMs,
            onStart: (startedUs) => {
              if (!this.#closed) this.#post({ role: "carry-started", carry, startedUs });
            },
          });
    this.#carries.delete(carry);
    if (!this.#closed) this.#answer(carry, await fetched(end));
  }

  #answer(carry: number, end: RunEnd): void {
    try {
      this.#post({ role: "carry-result", carry, end });
    } catch (error) {
      // A value may pass from a thread and not on to a process.
      const value = end.type === "completed" ? end.value : undefined;
      this.#post({ role: "carry-result", carry, end: crashedEnd(notSerializable(value, "result", error)) });
    }
  }
}
