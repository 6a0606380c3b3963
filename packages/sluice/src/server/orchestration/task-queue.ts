/**
 * The queue of background task runs, which task workers take one after the other.
 *
 * Every run that waits is a row of `task_queue`, so that neither a restart nor any number of them is lost or kept in memory.
 *   waiting → offered (to one worker, until it says so or is gone) → taken (the row goes)
 *                 ↘ not acknowledged: waiting again, before all that wait for their first try
 *
 * Invariants: 1. a run is offered to one worker at a time; 2. an offer that is not acknowledged is made again; 3. a run that is scheduled no more is
 * offered no more; 4. who waits is served in the order of asking, whichever task becomes free: no worker starves another of the same task.
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
  readonly keys: string;
  readonly give: (offer: TaskOffer) => void;
}

/** The queue of a server; see the head of the file. */
export class TaskQueue {
  readonly #store: Store;
  readonly #offered = new Set<number>();
  readonly #waiters = new Set<Waiter>();
  #hasNew = false;

  constructor(store: Store) {
    this.#store = store;
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

  /** Waits for a run of one of these tasks; undefined when none came before the signal aborted. The offer must be settled. */
  next(taskKeys: readonly string[], signal: AbortSignal): Promise<TaskOffer | undefined> {
    const keys = JSON.stringify(taskKeys);
    const offer = signal.aborted ? undefined : this.#find(keys);
    if (offer || signal.aborted) return Promise.resolve(offer);
    return new Promise((resolve) => {
      const end = (given?: TaskOffer): void => {
        this.#waiters.delete(waiter);
        signal.removeEventListener("abort", giveUp);
        resolve(given);
      };
      const giveUp = (): void => end();
      const waiter = { keys, give: end };
      this.#waiters.add(waiter);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  /** Settles an offer: taken, or to be offered again. Settling twice is harmless. */
  async settle(no: number, isTaken: boolean): Promise<void> {
    if (!this.#offered.has(no)) return;
    await this.#store.write(() => {
      const sql = isTaken ? "DELETE FROM task_queue WHERE no = ?" : "UPDATE task_queue SET again = 1 WHERE no = ?";
      this.#store.statement(sql).run(no);
    });
    this.#offered.delete(no);
    if (!isTaken) this.#hasNew = true;
    this.#serve();
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
    for (const row of query.all(keys, this.#offered.size + 1)) {
      const no = Number(row["no"]);
      if (this.#offered.has(no)) continue;
      const run = this.#store.taskRuns.byId(String(row["task_run_id"]));
      this.#offered.add(no);
      if (run?.state_type === "SCHEDULED") return { no, run };
      // Moved by somebody else, or deleted: it leaves the queue unseen.
      void this.settle(no, true);
    }
    return undefined;
  }
}
