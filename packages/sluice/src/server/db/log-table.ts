import type { Store } from "./store.ts";

/** A line of a log as stored. */
export interface LogRow {
  readonly no: number;
  readonly flow_run_id: string | null;
  readonly task_run_id: string | null;
  readonly name: string;
  readonly level: number;
  readonly message: string;
  /** Microseconds since the epoch. */
  readonly timestamp: number;
  readonly created: number;
}

/** Number of the newest line that is there; 0 without one. */
export function newestLine(store: Store): number {
  return Number(store.statement("SELECT max(no) AS no FROM log").get()?.["no"] ?? 0);
}

/** The lines that runs have logged. */
export class LogTable {
  readonly #store: Store;
  /** Number of the newest line, deleted or not: numbers are not given again, as streams have noted up to which they have read. */
  #newest: number | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  insert(line: Omit<LogRow, "no" | "created">, createdUs: number): void {
    this.#newest = (this.#newest ?? newestLine(this.#store)) + 1;
    this.#store
      .statement(
        "INSERT INTO log (no, flow_run_id, task_run_id, name, level, message, timestamp, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      )
      .run(
        this.#newest,
        line.flow_run_id,
        line.task_run_id,
        line.name,
        line.level,
        line.message,
        line.timestamp,
        createdUs,
      );
  }
}
