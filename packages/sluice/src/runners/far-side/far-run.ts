import { systemClock } from "../../engine/clock.ts";
import type { FarSideEngine, FarSideHost, HomeAddress } from "../../engine/far-side-port.ts";
import { loadFunction } from "../../engine/functions/load-function.ts";
import type { SlotHold } from "../../engine/task-runner.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { RunEnd } from "../../wire/run-spec.ts";
import type { FarMessage, NearMessage } from "../messages.ts";
import { crashedEnd, notSerializable } from "../run-end.ts";
import type { Uplink } from "../runtime.ts";

/** What the runs of one far side have in common. */
export interface FarSurroundings {
  readonly engine: FarSideEngine;
  readonly home: HomeAddress;
  readonly uplink: Uplink;
  /** See `FarSideHost.isOnCluster`. */
  readonly isOnCluster: boolean;
  readonly post: (message: FarMessage) => void;
}

/** One run on its far side: loads its function, gives it to the engine, and tells the near side how far it is. */
export class FarRun {
  readonly #order: NearMessage & { readonly role: "run" };
  readonly #around: FarSurroundings;
  readonly #abort = new AbortController();
  readonly #slot: FarSlot;
  #bodyEnded = false;
  #valueSent = false;

  constructor(order: NearMessage & { readonly role: "run" }, around: FarSurroundings) {
    this.#order = order;
    this.#around = around;
    this.#slot = new FarSlot(order.body, around.post);
  }

  /** Runs to the end, and resolves when the near side has been told; never rejects. */
  async run(): Promise<void> {
    const { body } = this.#order;
    const end = await this.#execute();
    const valueSent = this.#valueSent && end.type === "completed";
    const { post } = this.#around;
    try {
      post({ role: "ended", body, end: valueSent ? { ...end, value: undefined } : end, valueSent });
    } catch (error) {
      const value = end.type === "completed" ? end.value : undefined;
      post({ role: "ended", body, end: crashedEnd(notSerializable(value, "result", error)), valueSent: false });
    }
  }

  cancel(message: string): void {
    this.#abort.abort(new SluiceError("SLUICE_CANCELLED", message));
  }

  resumed(): void {
    this.#slot.resumed();
  }

  async #execute(): Promise<RunEnd> {
    const { spec, body } = this.#order;
    const { engine, post } = this.#around;
    try {
      const definition = await loadFunction(spec.function);
      const startedUs = this.#order.startedUs ?? systemClock.nowUs();
      post({ role: "started", body, startedUs });
      return await engine.execute(spec, this.#host(definition, startedUs));
    } catch (error) {
      return crashedEnd(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #host(definition: unknown, startedUs: number): FarSideHost {
    const { graceMs, timeoutMs, isJob = false } = this.#order;
    const { home, uplink, isOnCluster } = this.#around;
    return {
      isOnCluster,
      isJob,
      definition,
      startedUs,
      home,
      graceMs,
      timeoutMs,
      slot: this.#slot,
      signal: this.#abort.signal,
      bodyEnded: (result) => this.#endBody(result ?? null),
      attachRunner: (description) => uplink.attach(description),
    };
  }

  #endBody(result: { readonly value: unknown } | null): void {
    if (this.#bodyEnded) return;
    this.#bodyEnded = true;
    this.#slot.over();
    const { body } = this.#order;
    const { post } = this.#around;
    try {
      post({ role: "body-ended", body, result });
      this.#valueSent = result !== null;
    } catch (error) {
      post({ role: "body-ended", body, result: null });
      throw notSerializable(result?.value, "result", error);
    }
  }
}

/** The slot of one body, kept by the near side and told of its changes. */
class FarSlot implements SlotHold {
  readonly #body: number;
  readonly #post: (message: FarMessage) => void;
  #held = true;
  #over = false;
  #regaining: PromiseWithResolvers<void> | undefined;

  constructor(body: number, post: (message: FarMessage) => void) {
    this.#body = body;
    this.#post = post;
  }

  release(): void {
    if (!this.#held || this.#over) return;
    this.#held = false;
    this.#post({ role: "secede", body: this.#body });
  }

  regain(): Promise<void> {
    if (this.#held || this.#over) return Promise.resolve();
    if (this.#regaining === undefined) {
      this.#regaining = Promise.withResolvers<void>();
      this.#post({ role: "resume", body: this.#body });
    }
    return this.#regaining.promise;
  }

  resumed(): void {
    this.#held = true;
    this.#regaining?.resolve();
    this.#regaining = undefined;
  }

  /** The body has ended, with or without its slot: whoever still waits for it goes on. */
  over(): void {
    this.#over = true;
    this.resumed();
  }
}
