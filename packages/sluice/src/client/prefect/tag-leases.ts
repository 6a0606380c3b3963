import type { ConcurrencyLimitWithLeaseResponse } from "../../wire/contract/shapes.ts";
import { isSluiceError, SluiceError } from "../../wire/errors.ts";
import type { PrefectCalls } from "./prefect-calls.ts";

/*
 * Slots of the concurrency limits `tag:<tag>` for the task runs of this process and its workers.
 *
 * A run *asks* until it *holds* (or no such limit exists), and holds until its final state is reported or the process ends. The server keeps a slot for the lease only,
 * so that those of a killed process come back; it is renewed at three quarters of it, from a thread that user code cannot block.
 *
 * Failures
 *   no slot free         (423) asked again after the server's Retry-After, and at once when a run here gives one back.
 *   renewal fails        told once; the run goes on, as with Prefect's client, and the server may give its slot away.
 *   release fails        told nobody: the lease ends by itself.
 */

/** The shortest that the server takes, and what Prefect's client asks for. */
const LEASE_SECONDS = 60;
const RENEWAL_PART = 0.75;
const DEFAULT_RETRY_MS = 1000;

interface Held {
  readonly leaseId: string;
  readonly renewal: NodeJS.Timeout;
}

export interface TagLeasesOptions {
  readonly calls: PrefectCalls;
  readonly onTrouble: (message: string) => void;
}

/** The tag slots of task runs. See the head of the file. */
export class TagLeases {
  readonly #options: TagLeasesOptions;
  readonly #held = new Map<string, Held>();
  /** Wakes those that wait for a slot. */
  #freed = Promise.withResolvers<void>();

  constructor(options: TagLeasesOptions) {
    this.#options = options;
  }

  /**
   * Takes one slot of each limit of the tags for a task run.
   *
   * @param holdMs how long to ask at most
   * @returns false when they were not free for that time
   * @throws the signal's reason when it aborts first; SluiceError `SLUICE_API_REFUSED`, `SLUICE_API_UNREACHABLE`
   */
  async take(
    run: { readonly id: string; readonly tags: readonly string[] },
    holdMs: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const deadlineMs = performance.now() + holdMs;
    for (;;) {
      signal?.throwIfAborted();
      // A request that was lost on its way back is made again.
      if (this.#held.has(run.id)) return true;
      const freed = this.#freed.promise;
      const waitMs = await this.#ask(run);
      if (waitMs === undefined) {
        if (signal?.aborted === true) this.release(run.id);
        signal?.throwIfAborted();
        return true;
      }
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return false;
      await atMost(Math.min(waitMs, leftMs), freed, signal);
    }
  }

  /** Gives the slots of a run back; nothing happens for a run without. */
  release(runId: string): void {
    void this.#giveBack(runId);
  }

  /** Gives all slots back. */
  async close(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((runId) => this.#giveBack(runId)));
  }

  /** Undefined when the run may go on, else the milliseconds after which to ask again. */
  async #ask(run: { readonly id: string; readonly tags: readonly string[] }): Promise<number | undefined> {
    const path = "/api/v2/concurrency_limits/increment-with-lease";
    const answer = await this.#options.calls.call("POST", path, {
      names: run.tags.map((tag) => `tag:${tag}`),
      slots: 1,
      mode: "concurrency",
      lease_duration: LEASE_SECONDS,
      holder: { type: "task_run", id: run.id },
    });
    if (answer.status === 423) {
      const seconds = Number(answer.headers?.["retry-after"]);
      return Number.isFinite(seconds) ? seconds * 1000 : DEFAULT_RETRY_MS;
    }
    if (answer.status >= 300) {
      throw new SluiceError(
        "SLUICE_API_REFUSED",
        `The server answered ${answer.status} to POST ${path}: ${answer.body.slice(0, 300)}`,
      );
    }
    // The contract's answer to 200. A lease without limits holds nothing.
    const { lease_id, limits } = answer.value as ConcurrencyLimitWithLeaseResponse;
    if (limits.length > 0) this.#hold(run.id, lease_id);
    return undefined;
  }

  #hold(runId: string, leaseId: string): void {
    const renewal = setInterval(() => void this.#renew(leaseId), LEASE_SECONDS * RENEWAL_PART * 1000).unref();
    this.#held.set(runId, { leaseId, renewal });
  }

  async #renew(leaseId: string): Promise<void> {
    try {
      const path = `/api/v2/concurrency_limits/leases/${leaseId}/renew`;
      await this.#options.calls.get("POST", path, { lease_duration: LEASE_SECONDS });
    } catch (error) {
      const reason = isSluiceError(error) ? error.message : String(error);
      this.#options.onTrouble(`The slot of a tag limit could not be kept; the server may give it away: ${reason}`);
    }
  }

  async #giveBack(runId: string): Promise<void> {
    const held = this.#held.get(runId);
    if (held === undefined) return;
    this.#held.delete(runId);
    clearInterval(held.renewal);
    const body = { lease_id: held.leaseId };
    await this.#options.calls
      .call("POST", "/api/v2/concurrency_limits/decrement-with-lease", body)
      .catch(() => undefined);
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }
}

/** Waits for `freed`, or until the time is over. @throws the signal's reason */
async function atMost(limitMs: number, freed: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, limitMs);
  const abort = (): void => over.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([freed, over.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
