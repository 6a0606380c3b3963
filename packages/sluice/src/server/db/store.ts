/**
 * The store: one SQLite database, one writer, many requests a transaction.
 *
 * **Group commit.** The first write of an event-loop turn opens a transaction; every write of the turn runs inside it, in a savepoint of its
 * own; the turn's end commits. A write's promise resolves after the commit, so what was answered is durable (survives the death of any process;
 * with `synchronous: "FULL"` also a power loss). A write that throws is undone alone. A commit that fails undoes all writes of the turn and
 * fails all their promises with the same reason.
 *
 * Invariants: 1. no promise of `write` or `read` resolves before what it saw is committed; 2. a failed write leaves no trace;
 * 3. after a failure the store goes on: the next write opens a new transaction (a disk that has space again needs no restart).
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { explainDatabaseError } from "./sqlite-error.ts";
import { openDatabase, openReadOnly, type DatabaseOptions } from "./open-database.ts";
import { FlowTable } from "./flow-table.ts";
import { FlowRunTable } from "./flow-run-table.ts";
import { LogTable } from "./log-table.ts";
import { ProcessTable } from "./process-table.ts";
import { TaskGroupTable } from "./task-group-table.ts";
import { TaskRunTable } from "./task-run-table.ts";

/** How a store is opened; the clock is the wall clock unless a test moves it. */
export interface StoreOptions extends DatabaseOptions {
  /** Microseconds since the epoch. */
  readonly nowUs?: () => number;
}

/** A row as it comes from the database: column names to values. */
export type Row = Readonly<Record<string, unknown>>;

interface Turn {
  readonly committed: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The database with its tables and its group commit. All calls are synchronous but `write` and `read`. */
export class Store {
  readonly file: string;
  readonly database: DatabaseSync;
  readonly nowUs: () => number;
  readonly flows: FlowTable;
  readonly flowRuns: FlowRunTable;
  readonly taskRuns: TaskRunTable;
  readonly taskGroups: TaskGroupTable;
  readonly logs: LogTable;
  readonly processes: ProcessTable;
  readonly #statements = new Map<string, StatementSync>();
  readonly #undoListeners: (() => void)[] = [];
  readonly #commitListeners: (() => void)[] = [];
  #turn: Turn | undefined;
  #isReader = false;

  private constructor(file: string, database: DatabaseSync, nowUs: () => number) {
    this.file = file;
    this.database = database;
    this.nowUs = nowUs;
    this.flows = new FlowTable(this);
    this.flowRuns = new FlowRunTable(this);
    this.taskRuns = new TaskRunTable(this);
    this.taskGroups = new TaskGroupTable(this);
    this.logs = new LogTable(this);
    this.processes = new ProcessTable(this);
  }

  /**
   * Opens the database file, made when it is not there.
   *
   * @throws SluiceError see {@link openDatabase}
   */
  static open(file: string, options: StoreOptions = {}): Store {
    return new Store(file, openDatabase(file, options), options.nowUs ?? wallClock());
  }

  /** Opens the file of a store that is open elsewhere, for reads alone; each sees the database as it is at that moment. */
  static openToRead(file: string, nowUs: () => number): Store {
    const store = new Store(file, openReadOnly(file), nowUs);
    store.#isReader = true;
    return store;
  }

  /** Runs `act` inside this turn's transaction; resolves to its value once that is durable. Rejects with `act`'s error, its writes undone. */
  write<T>(act: () => T): Promise<T> {
    let turn: Turn;
    try {
      turn = this.#turn ?? this.#begin();
    } catch (error) {
      return Promise.reject(explainDatabaseError(error, this.file));
    }
    try {
      this.database.exec("SAVEPOINT request");
      const value = act();
      this.database.exec("RELEASE request");
      return turn.committed.then(() => value);
    } catch (error) {
      const explained = explainDatabaseError(error, this.file);
      this.#undoRequest(turn, explained);
      return Promise.reject(explained);
    }
  }

  /** Runs `act`, which only reads; resolves at once, or after the commit when it may have seen what is not yet durable. */
  read<T>(act: () => T): Promise<T> {
    try {
      const value = this.#isReader ? this.#atOneMoment(act) : act();
      return this.#turn ? this.#turn.committed.then(() => value) : Promise.resolve(value);
    } catch (error) {
      return Promise.reject(explainDatabaseError(error, this.file));
    }
  }

  /** Calls `listener` whenever writes were undone: what it keeps in memory of the database may be wrong. */
  onUndo(listener: () => void): void {
    this.#undoListeners.push(listener);
  }

  /** Calls `listener` after each commit that may have changed something. It must not throw. */
  onCommit(listener: () => void): void {
    this.#commitListeners.push(listener);
  }

  /** The statement of this text, prepared once. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Size of the database, without what has not been carried over to its file. */
  get bytes(): number {
    const sql = "SELECT page_count * page_size AS n FROM pragma_page_count(), pragma_page_size()";
    return Number(this.statement(sql).get()?.["n"]);
  }

  /** Runs a query whose text is not worth keeping prepared. */
  query(sql: string, parameters: readonly SQLInputValue[]): Row[] {
    return this.database.prepare(sql).all(...parameters);
  }

  /** Takes everything away; the layout stays. Runs inside a write. */
  empty(): void {
    const tables = this.query(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'process'",
      [],
    );
    for (const { name } of tables) this.database.exec(`DELETE FROM ${String(name)}`);
    this.#tellUndone();
  }

  /** Commits what is open and closes the database. Closing twice is legal. */
  close(): void {
    if (!this.database.isOpen) return;
    this.#commit();
    this.database.close();
  }

  /** All queries of `act` see the same, whatever the writer does meanwhile. */
  #atOneMoment<T>(act: () => T): T {
    this.database.exec("BEGIN");
    try {
      return act();
    } finally {
      this.database.exec("COMMIT");
    }
  }

  #begin(): Turn {
    this.database.exec("BEGIN IMMEDIATE");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Every writer of the turn has a promise of its own behind this one; a turn whose writers all failed has nobody to tell.
    promise.catch(() => undefined);
    this.#turn = { committed: promise, resolve, reject };
    setImmediate(() => this.#commit());
    return this.#turn;
  }

  #commit(): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    try {
      this.database.exec("COMMIT");
      turn.resolve();
      for (const listener of this.#commitListeners) listener();
    } catch (error) {
      if (this.database.isTransaction) this.database.exec("ROLLBACK");
      this.#tellUndone();
      turn.reject(explainDatabaseError(error, this.file));
    }
  }

  #undoRequest(turn: Turn, reason: unknown): void {
    if (this.database.isTransaction) {
      this.database.exec("ROLLBACK TO request; RELEASE request");
    } else {
      // A full disk has undone the whole transaction: the turn is over and all its writes have failed.
      this.#turn = undefined;
      turn.reject(reason);
    }
    this.#tellUndone();
  }

  #tellUndone(): void {
    for (const listener of this.#undoListeners) listener();
  }
}

function wallClock(): () => number {
  let last = 0;
  return () => (last = Math.max(last + 1, Date.now() * 1000));
}
