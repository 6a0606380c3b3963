import type { ProcessRegistration } from "../../wire/processes.ts";
import type { Store } from "./store.ts";

/** A registered process as stored. */
export interface ProcessRow {
  readonly id: string;
  readonly pid: number;
  readonly hostname: string;
  readonly boot_id: string;
  readonly start_ticks: number | null;
  /** Microseconds since the epoch. */
  readonly lease_until: number;
  readonly created: number;
}

/** The processes that run flows, each with its lease. */
export class ProcessTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  upsert(process: ProcessRegistration, leaseUntilUs: number): void {
    this.#store
      .statement(
        `INSERT INTO process (id, pid, hostname, boot_id, start_ticks, lease_until, created) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET pid = excluded.pid, hostname = excluded.hostname, boot_id = excluded.boot_id,
           start_ticks = excluded.start_ticks, lease_until = excluded.lease_until`,
      )
      .run(
        process.id,
        process.pid,
        process.hostname,
        process.boot_id,
        process.start_ticks,
        leaseUntilUs,
        this.#store.nowUs(),
      );
  }

  byId(id: string): ProcessRow | undefined {
    // STRICT table: the columns have these types.
    return this.#store.statement("SELECT * FROM process WHERE id = ?").get(id) as ProcessRow | undefined;
  }

  all(): ProcessRow[] {
    // STRICT table: the columns have these types.
    return this.#store.statement("SELECT * FROM process").all() as unknown as ProcessRow[];
  }

  /** @returns false when the process is not registered */
  extend(id: string, leaseUntilUs: number): boolean {
    return this.#store.statement("UPDATE process SET lease_until = ? WHERE id = ?").run(leaseUntilUs, id).changes === 1;
  }

  delete(id: string): boolean {
    return this.#store.statement("DELETE FROM process WHERE id = ?").run(id).changes === 1;
  }

  /** Owners of open runs that are not registered (any more). */
  strangers(): string[] {
    const query = this.#store.statement(
      `SELECT process_id FROM flow_run WHERE end_time IS NULL AND process_id IS NOT NULL AND process_id NOT IN (SELECT id FROM process)
       UNION SELECT process_id FROM task_run WHERE end_time IS NULL AND process_id IS NOT NULL AND process_id NOT IN (SELECT id FROM process)`,
    );
    return query.all().map((row) => String(row["process_id"]));
  }
}
