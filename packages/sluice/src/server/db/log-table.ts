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

/** The lines that runs have logged. */
export class LogTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  insert(line: Omit<LogRow, "no" | "created">, createdUs: number): void {
    this.#store
      .statement(
        "INSERT INTO log (flow_run_id, task_run_id, name, level, message, timestamp, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
      )
      .run(line.flow_run_id, line.task_run_id, line.name, line.level, line.message, line.timestamp, createdUs);
  }
}
