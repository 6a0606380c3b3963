/** The task workers that wait for background task runs: kept in memory, as they ask all the time. */

/** A worker as it was last seen. */
export interface TaskWorkerSighting {
  readonly id: string;
  readonly taskKeys: readonly string[];
  /** Microseconds. */
  readonly seenUs: number;
}

/** A worker that has not asked for so long is gone. */
const GONE_AFTER_US = 60_000_000;

/** The task workers of a server. */
export class TaskWorkers {
  readonly #nowUs: () => number;
  readonly #workers = new Map<string, { readonly taskKeys: Set<string>; seenUs: number }>();

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** Notes that a worker asks for runs of these tasks. */
  see(id: string, taskKeys: readonly string[]): void {
    const seenUs = this.#nowUs();
    const known = this.#workers.get(id) ?? { taskKeys: new Set<string>(), seenUs };
    for (const key of taskKeys) known.taskKeys.add(key);
    known.seenUs = seenUs;
    this.#workers.set(id, known);
  }

  /** Notes that a worker has gone. */
  forget(id: string): void {
    this.#workers.delete(id);
  }

  /** The workers that wait, for any of these tasks when some are given. */
  list(taskKeys: readonly string[] = []): TaskWorkerSighting[] {
    const oldest = this.#nowUs() - GONE_AFTER_US;
    for (const [id, { seenUs }] of this.#workers) if (seenUs < oldest) this.#workers.delete(id);
    const sightings = [...this.#workers].map(([id, worker]) => ({
      id,
      taskKeys: [...worker.taskKeys],
      seenUs: worker.seenUs,
    }));
    return sightings.filter((worker) => taskKeys.length === 0 || worker.taskKeys.some((key) => taskKeys.includes(key)));
  }
}
