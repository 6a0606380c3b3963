/**
 * The queue of background task runs, which task workers take one after the other.
 *
 * Every run that waits is a row of `task_queue`, so that neither a restart nor any number of them is lost or kept in memory.
 *   waiting -> offered (to one worker, until it says so, is gone, or is silent for {@link OFFER_SECONDS}) -> taken (the row goes)
 *                  not acknowledged: waiting again, before all that wait for their first try
 *
 * Invariants: 1. a run is offered to one worker at a time; 2. an offer that is not acknowledged is made again (a worker that took it nevertheless is
 * refused when it proposes PENDING a second time); 3. a run that is scheduled no more is offered no more; 4. workers are served in the order of asking.
 */
import type { Store } from "../db/store.ts";
import type { TaskRunRow } from "../db/task-run-table.ts";

/** A run that is offered to a worker. */
export interface TaskOffer {
  /** Names the offer when it is settled. */
  readonly no: number;
  readonly run: TaskRunRow;
}

interface Waiter {
  /** JSON list of task keys. */
  readonly keys: string;
  readonly give: (offer: TaskOffer) => void;
}

/** An offer that nobody has settled after this time is made again: whoever carried it is gone. */
const OFFER_SECONDS = 60;

/** The queue of a server; see the head of the file. */
export class TaskQueue {
  readonly #store: Store;
  /** Until when each offer stands, by its number; microseconds. */
  readonly #offered = new Map<number, number>();
  readonly #waiters = new Set<Waiter>();
  readonly #closing = new AbortController();
  readonly #onError: (error: unknown) => void;
  #hasNew = false;

  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
    store.onCommit(() => this.#serve());
  }

  /** Puts a run into the queue, once. Runs inside a write; offered when that is durable. */
  enqueue({ id, taskKey, again }: { readonly id: string; readonly taskKey: string; readonly again: boolean }): void {
    const insert = this.#store.statement(
      "INSERT INTO task_queue (task_run_id, task_key, again) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET again = excluded.again",
    );
    insert.run(id, taskKey, again ? 1 : 0);
    this.#hasNew = true;
  }

  /** Waits for a run of one of these tasks; undefined when none came before the signal aborted or {@link stopHolding} was called. */
  async next(taskKeys: readonly string[], signal: AbortSignal): Promise<TaskOffer | undefined> {
    const keys = JSON.stringify(taskKeys);
    const until = AbortSignal.any([signal, this.#closing.signal]);
    if (until.aborted) return undefined;
    const offer = await this.#store.read(() => this.#find(keys));
    return offer ?? this.#wait(keys, until);
  }

  #wait(keys: string, until: AbortSignal): Promise<TaskOffer | undefined> {
    return new Promise((resolve) => {
      if (until.aborted) return resolve(undefined);
      const end = (given?: TaskOffer): void => {
        this.#waiters.delete(waiter);
        until.removeEventListener("abort", giveUp);
        resolve(given);
      };
      const giveUp = (): void => end();
      const waiter: Waiter = { keys, give: end };
      this.#waiters.add(waiter);
      until.addEventListener("abort", giveUp, { once: true });
    });
  }

  /** Settles an offer: taken, or to be offered again. Settling twice is harmless. */
  async settle(no: number, isTaken: boolean): Promise<void> {
    // What is not taken when the server ends is offered anew by the next one.
    if (!this.#offered.has(no) || (this.isClosing && !isTaken)) return;
    await this.#store.write(() => {
      const sql = isTaken ? "DELETE FROM task_queue WHERE no = ?" : "UPDATE task_queue SET again = 1 WHERE no = ?";
      this.#store.statement(sql).run(no);
    });
    this.#offered.delete(no);
    if (isTaken) return;
    this.#hasNew = true;
    this.#serve();
  }

  /** Whether nobody is held any more. */
  get isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Lets all who wait go, and holds nobody from now on: before the server closes. */
  stopHolding(): void {
    this.#closing.abort();
  }

  #serve(): void {
    if (!this.#hasNew) return;
    this.#hasNew = false;
    for (const waiter of this.#waiters) {
      const offer = this.#find(waiter.keys);
      if (offer) waiter.give(offer);
    }
  }

  #find(keys: string): TaskOffer | undefined {
    const query = this.#store.statement(
      `SELECT no, task_run_id FROM task_queue WHERE task_key IN (SELECT value FROM json_each(?)) ORDER BY again DESC, no LIMIT ?`,
    );
    for (;;) {
      const gone: number[] = [];
      for (const row of query.all(keys, this.#offered.size + 1)) {
        const no = Number(row["no"]);
        const run = this.#store.taskRuns.byId(String(row["task_run_id"]));
        if (run?.state_type !== "SCHEDULED") gone.push(no);
        else if (this.#offer(no)) return { no, run };
      }
      if (gone.length === 0) return undefined;
      this.#forget(gone);
    }
  }

  /** Marks a run as offered; false when it is offered already. */
  #offer(no: number): boolean {
    const now = this.#store.nowUs();
    if ((this.#offered.get(no) ?? 0) > now) return false;
    this.#offered.set(no, now + OFFER_SECONDS * 1e6);
    return true;
  }

  /** Takes runs out that somebody else has moved or deleted. */
  #forget(nos: readonly number[]): void {
    const remove = this.#store.statement("DELETE FROM task_queue WHERE no IN (SELECT value FROM json_each(?))");
    for (const no of nos) this.#offered.delete(no);
    this.#store.write(() => remove.run(JSON.stringify(nos))).catch(this.#onError);
  }
}
