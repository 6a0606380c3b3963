/**
 * Task runs of the engine that wait for slots of their tags' limits: first come, first served, and nobody behind one who waits for a limit of the same tag.
 *
 * Slots are leased to the task run without an end: they are given back in the write that ends it, whoever writes that, or takes it away. So a run must be
 * stored before it asks. Asking again for a run that holds its slots changes nothing.
 */
import { Refusal } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import type { TagSlotsRequest } from "../../wire/tag-slots.ts";
import { leasesOfHolder, leaseSlots } from "./concurrency-leases.ts";
import { limitsByName, TAG_PREFIX, type ConcurrencyLimitRow } from "./concurrency-limits.ts";

/** Longest that a request is held. */
const HOLD_MS = 10_000;
/** Slots of a limit with a decay come free without a write. */
const LOOK_EVERY_MS = 500;

interface Waiting {
  readonly request: TagSlotsRequest;
  readonly resolve: (hasSlots: boolean) => void;
  readonly reject: (reason: unknown) => void;
}

/** The tags that have an active limit. */
export function limitedTags(store: Store): readonly string[] {
  const query = store.statement(
    `SELECT substr(name, ${TAG_PREFIX.length + 1}) AS tag FROM concurrency_limit WHERE active = 1 AND name >= '${TAG_PREFIX}' AND name < 'tag;' ORDER BY name`,
  );
  return query.all().map(({ tag }) => String(tag));
}

/** The queue of a server; see the head of the file. */
export class TagSlotQueue {
  readonly #store: Store;
  /** In the order of arrival. */
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isAsked = false;
  #seen = "";

  constructor(store: Store) {
    this.#store = store;
    store.onCommit(() => {
      if (this.#waiting.size > 0 && this.#limitsNow() !== this.#seen) this.#look();
    });
  }

  /**
   * Leases one slot of each limit of the run's tags, waiting for them for a while.
   *
   * @returns false when they were not free in time; true also for a run that is over, or without a limit
   * @throws Refusal 404 for a run that is not stored
   */
  async take(request: TagSlotsRequest, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted === true) return false;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const waiting = { request, resolve, reject };
    const giveUp = (): void => resolve(false);
    const timer = setTimeout(giveUp, HOLD_MS);
    signal?.addEventListener("abort", giveUp);
    this.#waiting.add(waiting);
    this.#look();
    try {
      return await promise;
    } finally {
      this.#waiting.delete(waiting);
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Answers the requests that are being held. */
  stopHolding(): void {
    for (const { resolve } of this.#waiting) resolve(false);
  }

  /** What the limits of tags say, to notice that they say something else. */
  #limitsNow(): string {
    const query = this.#store.statement(
      `SELECT group_concat(id || active || max_slots || '/' || active_slots || '/' || updated) AS now
       FROM concurrency_limit WHERE name >= '${TAG_PREFIX}' AND name < 'tag;'`,
    );
    return String(query.get()?.["now"]);
  }

  #look(): void {
    this.#isAsked = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#lookThrough().finally(() => {
      this.#isLooking = false;
      clearTimeout(this.#timer);
      if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#look(), LOOK_EVERY_MS).unref();
    });
  }

  async #lookThrough(): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false;
      const waiting = [...this.#waiting];
      try {
        const answers = await this.#store.write(() => this.#serve(waiting));
        for (const { one, refusal } of answers) {
          if (refusal === undefined) one.resolve(true);
          else one.reject(refusal);
          this.#waiting.delete(one);
        }
      } catch (error) {
        for (const one of waiting) one.reject(error);
      }
    }
  }

  /** Runs inside a write. @returns whose turn it was */
  #serve(waiting: readonly Waiting[]): readonly { readonly one: Waiting; readonly refusal?: Refusal }[] {
    const served: { one: Waiting; refusal?: Refusal }[] = [];
    const taken = new Set<string>();
    for (const one of waiting) {
      const { task_run_id: id, tags } = one.request;
      const limits = limitsByName(
        this.#store,
        tags.map((tag) => TAG_PREFIX + tag),
      ).filter(({ active }) => active === 1);
      if (limits.some((limit) => taken.has(limit.id))) {
        for (const limit of limits) taken.add(limit.id);
        continue;
      }
      const answer = this.#leaseTo(id, limits);
      if (answer === "wait") for (const limit of limits) taken.add(limit.id);
      else if (answer === "unknown") served.push({ one, refusal: new Refusal(404, `Task run ${id} is not stored`) });
      else served.push({ one });
    }
    this.#seen = this.#limitsNow();
    return served;
  }

  #leaseTo(id: string, limits: readonly ConcurrencyLimitRow[]): "go" | "wait" | "unknown" {
    const run = this.#store.taskRuns.byId(id);
    if (run === undefined) return "unknown";
    if (limits.length === 0 || run.end_time !== null || leasesOfHolder(this.#store, id).length > 0) return "go";
    const holder = { type: "task_run", id } as const;
    const lease = leaseSlots(this.#store, { limits, slots: 1, seconds: Infinity, holder });
    return lease === undefined ? "wait" : "go";
  }
}
