/**
 * The core's end of the worker channels: what a worker is shown of its pool, and when.
 *
 * The side that holds the sockets asks (`wait`), and is answered when the pool is another than what it has seen, when there is a message for the worker,
 * or after a while with nothing. It asks again at once; what happened meanwhile is then answered immediately, because it is read from the store and not
 * from what was told. So nothing is missed, whichever process holds the sockets, and a lost wake only delays.
 */
import type { ChannelNews, ChannelWait, PoolSnapshot } from "../../wire/worker-channel.ts";
import { Refusal } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import { reserveCleanup, type CleanupCore } from "./cleanup-queue.ts";
import { poolById, type WorkPoolRow } from "./pool-rows.ts";
import { poolBody } from "./render-pools.ts";

/** Longest time that one question is held: also how late a message whose lease ended is given to another worker. */
const MAX_WAIT_SECONDS = 10;

/** A question that is being answered. */
interface Waiter {
  readonly poolId: string;
  readonly wait: ChannelWait;
  /** Something happened since it looked. */
  isWoken: boolean;
  wake: (() => void) | undefined;
}

/** Held questions of the worker channels; see the head of the file. */
export class WorkerChannels {
  readonly #core: CleanupCore;
  readonly #waiters = new Set<Waiter>();
  readonly #changed = new Set<string>();
  #isHolding = true;

  constructor(core: CleanupCore) {
    this.#core = core;
    core.store.onCommit(() => this.#wakeChanged());
  }

  /** Says that workers of a pool should look: it was changed or deleted, or there is a message for one of them. Runs inside the write. */
  noteChange(poolId: string): void {
    if (this.#waiters.size > 0) this.#changed.add(poolId);
  }

  /**
   * Resolves when there is news for a worker of a pool, when the time is over, or when the signal aborts.
   *
   * @throws Refusal 503 when the server is about to close: nobody should ask again at once
   */
  async wait(poolId: string, wait: ChannelWait, signal?: AbortSignal): Promise<ChannelNews> {
    if (!this.#isHolding) throw new Refusal(503, "The server is going away");
    const waiter: Waiter = { poolId, wait, isWoken: false, wake: undefined };
    this.#waiters.add(waiter);
    try {
      const first = await this.#look(waiter);
      const seconds = Math.min(wait.wait_seconds, MAX_WAIT_SECONDS);
      if (first !== undefined || seconds <= 0) return first ?? {};
      if (!waiter.isWoken) await hold(waiter, seconds * 1000, signal);
      // Whoever has gone must not be given a message.
      return signal?.aborted ? {} : ((await this.#look(waiter)) ?? {});
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** Answers all held questions at once and holds none from now on: before the server closes. */
  stopHolding(): void {
    this.#isHolding = false;
    for (const waiter of this.#waiters) wake(waiter);
  }

  async #look(waiter: Waiter): Promise<ChannelNews | undefined> {
    const { store } = this.#core;
    const { poolId, wait } = waiter;
    const { cursor, cleanup } = wait;
    const news = await store.read((): ChannelNews | undefined => {
      const pool = poolById(store, poolId);
      if (!pool) return { isDeleted: true };
      return pool.updated === cursor ? undefined : { snapshot: snapshotOf(store, pool) };
    });
    if (news || !cleanup || !hasOpenMessages(store, poolId)) return news;
    const { kinds, queue_ids: queueIds } = cleanup;
    return store.write(() => {
      const othersQueueIds = this.#queuesOfOthers(waiter);
      const message = reserveCleanup(this.#core, { poolId, kinds, queueIds, othersQueueIds });
      return message && { cleanup: message };
    });
  }

  /** The queues of the other workers that wait for messages of the same pool. */
  #queuesOfOthers(waiter: Waiter): string[] {
    const others = [...this.#waiters].filter((other) => other !== waiter && other.poolId === waiter.poolId);
    return others.flatMap(({ wait }) => wait.cleanup?.queue_ids ?? []);
  }

  #wakeChanged(): void {
    if (this.#changed.size === 0) return;
    for (const waiter of this.#waiters) if (this.#changed.has(waiter.poolId)) wake(waiter);
    this.#changed.clear();
  }
}

function wake(waiter: Waiter): void {
  waiter.isWoken = true;
  waiter.wake?.();
}

async function hold(waiter: Waiter, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      waiter.wake = undefined;
      resolve();
    };
    const timer = setTimeout(end, waitMs);
    waiter.wake = end;
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
  });
}

/** A pool as its workers are shown it. */
export function snapshotOf(store: Store, pool: WorkPoolRow): PoolSnapshot {
  return { pool: poolBody(store, pool), cursor: pool.updated };
}

function hasOpenMessages(store: Store, poolId: string): boolean {
  const query = store.statement("SELECT 1 FROM cleanup_message WHERE work_pool_id = ? AND status = 'OPEN' LIMIT 1");
  return query.get(poolId) !== undefined;
}
