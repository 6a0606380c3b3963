/**
 * Transactions: results and effects of several tasks that count together or not at all.
 *
 * States: PENDING (made), ACTIVE (its body runs), STAGED (its value and hooks are ready), and at last COMMITTED or ROLLED_BACK.
 * Transactions nest; each finished run of a task inside one is a transaction of its own, staged as soon as its body has returned.
 *
 * 1. A final state is never left, and commit and rollback happen once: a second call, also from a hook, does nothing and gives false.
 * 2. Commit: children in order of staging, then own `onCommit` hooks, then the value is written. Rollback: own `onRollback` hooks, last one first,
 *    then children, last one first. What is committed is not rolled back.
 * 3. LAZY (default): a nested transaction leaves its commit to its parent, the outermost one commits at the end of its body. EAGER: each one commits
 *    at the end of its body. OFF: nothing commits by itself, and what nobody has committed when the outermost body ends is rolled back.
 *    Mode and isolation are the parent's unless given.
 * 4. A body that throws rolls its transaction back, and with it every transaction around it, even where the error is caught further out.
 * 5. A commit in which a hook or the write fails rolls the rest back, and the outermost `transaction()` rejects: an effect is never lost in silence.
 *    (Prefect logs it and goes on.) A rollback hook that fails is reported, and the others still run.
 * 6. With a key: when the store holds a result of that key, the body is not run, and the stored value is given (unless `overwrite`).
 *    SERIALIZABLE: from before that look-up to its end the transaction holds the lock of its key, so that of several processes one executes it.
 *    The lock belongs to the process: it is free when the process dies, however it does. Without SERIALIZABLE two may execute, the last write stays.
 *
 * Meaning as Prefect 3.8 `transactions.py` except for the point named in 5.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { SluiceError } from "../../wire/errors.ts";
import type { ResultStore } from "../ports.ts";
import { decodeResult, encodeResult } from "./result-codec.ts";

export type CommitMode = "EAGER" | "LAZY" | "OFF";
export type IsolationLevel = "READ_COMMITTED" | "SERIALIZABLE";
export type TransactionState = "PENDING" | "ACTIVE" | "STAGED" | "COMMITTED" | "ROLLED_BACK";

/** Called with the transaction it was staged in, awaited. */
export type TransactionHook = (transaction: Transaction) => unknown;

/** Locks by key that several processes share. */
export interface KeyLocks {
  /** Resolves when this caller alone holds the lock of `key`, to the function that gives it back. Rejects with the signal's reason. */
  lock(key: string, signal?: AbortSignal): Promise<() => void>;
}

/** A hook or a write that failed; `during` tells what the transaction was doing. */
export interface TransactionProblem {
  readonly during: "commit" | "rollback";
  /** Name of the task run, or key of the transaction, or "transaction". */
  readonly name: string;
  readonly error: unknown;
}

export interface TransactionOptions {
  /** Makes the transaction happen once: its value is kept in the store under this key. */
  readonly key?: string;
  readonly commitMode?: CommitMode;
  readonly isolation?: IsolationLevel;
  /** Runs the body, and writes anew, even where the store holds a result of the key. Default false. */
  readonly overwrite?: boolean;
  /** Needed with `key`; the parent's unless given. */
  readonly store?: ResultStore;
  /** Needed with `key` and SERIALIZABLE; the parent's unless given. */
  readonly locks?: KeyLocks;
  /** Ends the wait for a lock. */
  readonly signal?: AbortSignal;
  /** Told of every failure of a hook or write. Default: the parent's, else a process warning. */
  readonly report?: (problem: TransactionProblem) => void;
}

/** Hooks of a staged value. */
export interface StagedHooks {
  readonly onCommit?: readonly TransactionHook[];
  readonly onRollback?: readonly TransactionHook[];
}

/** A finished run of a task, as its engine stages it. */
export interface StagedTask extends StagedHooks {
  /** Name of the run, for reports. */
  readonly name: string;
  /** Writes the result; called at the commit, once. Left out when the run's value is not kept. */
  readonly write?: () => Promise<void>;
  /** Called once after the rollback hooks: reports the run's state COMPLETED "RolledBack". */
  readonly onRolledBack?: () => unknown;
  /** As {@link TransactionOptions.report}. */
  readonly report?: (problem: TransactionProblem) => void;
}

interface Parts {
  readonly name: string;
  readonly parent: Transaction | undefined;
  readonly options: TransactionOptions;
  readonly write: (() => Promise<void>) | undefined;
  readonly onRolledBack: (() => unknown) | undefined;
}

const active = new AsyncLocalStorage<Transaction>();

/** The transaction whose body runs here, undefined outside. */
export function currentTransaction(): Transaction | undefined {
  return active.getStore();
}

/** A transaction; made by {@link transaction}, given to its body and to hooks. */
export class Transaction {
  readonly key: string | null;
  readonly commitMode: CommitMode;
  readonly isolation: IsolationLevel;
  readonly #parts: Parts;
  readonly #children: Transaction[] = [];
  readonly #values = new Map<string, unknown>();
  readonly #onCommit: TransactionHook[] = [];
  readonly #onRollback: TransactionHook[] = [];
  /** Keys whose locks this tree of transactions holds: shared, or two children of one key would wait for each other. */
  readonly #lockedKeys: Set<string>;
  #state: TransactionState = "PENDING";
  #ending = false;
  #staged: { readonly value: unknown } | undefined;
  #unlock: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @internal Use {@link transaction}. */
  constructor(parts: Parts) {
    const { parent, options } = parts;
    this.#parts = parts;
    this.key = options.key ?? null;
    this.commitMode = options.commitMode ?? parent?.commitMode ?? "LAZY";
    this.isolation = options.isolation ?? parent?.isolation ?? "READ_COMMITTED";
    this.#lockedKeys = parent === undefined ? new Set() : parent.#lockedKeys;
  }

  get state(): TransactionState {
    return this.#state;
  }

  /** Why the commit failed; undefined for a transaction that was not rolled back by a failed commit. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Keeps a value for this transaction and those inside it. */
  set(name: string, value: unknown): void {
    this.#values.set(name, value);
  }

  /**
   * Gives a value that was set here or in a transaction around this one, else `fallback`.
   *
   * A copy where the value can be cloned: changes do not count until they are set.
   */
  get(name: string, fallback?: unknown): unknown {
    if (this.#values.has(name)) return copyOf(this.#values.get(name));
    return this.#parts.parent === undefined ? fallback : this.#parts.parent.get(name, fallback);
  }

  /** Makes a value ready to be written at the commit, with hooks; again to replace the value and add hooks. No effect once final. */
  stage(value: unknown, { onCommit = [], onRollback = [] }: StagedHooks = {}): void {
    if (this.#isFinal()) return;
    this.#staged = { value };
    this.#onCommit.push(...onCommit);
    this.#onRollback.push(...onRollback);
    this.#state = "STAGED";
  }

  /** Commits now what is staged here and inside. Resolves to false when it was final already, or failed and was rolled back. */
  async commit(): Promise<boolean> {
    if (this.#isFinal()) return false;
    this.#ending = true;
    try {
      for (const child of this.#children) {
        await child.commit();
        if (child.#failure !== undefined) throw child.#failure.error;
      }
      for (const hook of this.#onCommit) await this.#run(hook);
      await this.#write();
      this.#end("COMMITTED");
      return true;
    } catch (error) {
      this.#failure = { error };
      this.#report("commit", error);
      await this.#rollBack();
      return false;
    }
  }

  /** Rolls back what is staged here and inside. Resolves to false when it was final already. */
  async rollback(): Promise<boolean> {
    if (this.#isFinal()) return false;
    this.#ending = true;
    await this.#rollBack();
    return true;
  }

  /** @internal Takes the lock and looks for a stored result; resolves to it when there is one, and the transaction is committed then. */
  async begin(): Promise<{ readonly value: unknown } | undefined> {
    const { key } = this;
    this.#state = "ACTIVE";
    if (key === null) return undefined;
    const store = this.#inherited("store");
    if (store === undefined)
      throw optionError(`A transaction with a key ("${key}") needs a result store: give the option "store".`);
    await this.#lock(key);
    try {
      const stored = this.#parts.options.overwrite === true ? undefined : await store.read(key);
      if (stored === undefined) return undefined;
      const found = { value: decodeResult(stored) };
      this.#end("COMMITTED");
      return found;
    } catch (error) {
      this.#end("ROLLED_BACK");
      throw error;
    }
  }

  /** @internal The body has returned: commits, or leaves it to the parent. */
  async close(): Promise<void> {
    const { parent } = this.#parts;
    if (this.commitMode === "EAGER") await this.commit();
    if (parent !== undefined) return parent.#adopt(this);
    await (this.commitMode === "OFF" ? this.rollback() : this.commit());
  }

  /** @internal The body has thrown: rolls back this one and all around it. */
  async abandon(): Promise<void> {
    await this.rollback();
    await this.#parts.parent?.abandon();
  }

  /** @internal Runs code inside this transaction. */
  inside<T>(body: () => T): T {
    return active.run(this, body);
  }

  async #adopt(child: Transaction): Promise<void> {
    this.#children.push(child);
    // Staged too late, by a run that nobody waited for: it shares the fate of its parent.
    if (this.#state === "ROLLED_BACK") await child.rollback();
    else if (this.#state === "COMMITTED") await child.commit();
  }

  async #write(): Promise<void> {
    const { key } = this;
    await this.#parts.write?.();
    if (key === null || this.#staged === undefined) return;
    await this.#inherited("store")?.write(key, encodeResult(this.#staged.value, { key }));
  }

  async #rollBack(): Promise<void> {
    for (const hook of this.#onRollback.toReversed()) await this.#tryRollback(() => this.#run(hook));
    const { onRolledBack } = this.#parts;
    if (onRolledBack !== undefined) await this.#tryRollback(onRolledBack);
    this.#end("ROLLED_BACK");
    for (const child of this.#children.toReversed()) await child.rollback();
  }

  async #tryRollback(act: () => unknown): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#report("rollback", error);
    }
  }

  async #run(hook: TransactionHook): Promise<void> {
    await this.inside(() => hook(this));
  }

  async #lock(key: string): Promise<void> {
    if (this.isolation !== "SERIALIZABLE" || this.#lockedKeys.has(key)) return;
    const locks = this.#inherited("locks");
    if (locks === undefined)
      throw optionError(`A SERIALIZABLE transaction with a key ("${key}") needs locks: give the option "locks".`);
    const unlock = await locks.lock(key, this.#parts.options.signal);
    this.#lockedKeys.add(key);
    this.#unlock = () => {
      this.#lockedKeys.delete(key);
      unlock();
    };
  }

  #end(state: "COMMITTED" | "ROLLED_BACK"): void {
    this.#state = state;
    this.#unlock?.();
    this.#unlock = undefined;
  }

  #isFinal(): boolean {
    return this.#ending || this.#state === "COMMITTED" || this.#state === "ROLLED_BACK";
  }

  #report(during: TransactionProblem["during"], error: unknown): void {
    const problem: TransactionProblem = { during, name: this.#parts.name, error };
    const report = this.#inherited("report") ?? warnOfProblem;
    report(problem);
  }

  #inherited<Name extends "store" | "locks" | "report">(name: Name): TransactionOptions[Name] | undefined {
    const { options, parent } = this.#parts;
    return options[name] ?? (parent === undefined ? undefined : parent.#inherited(name));
  }
}

/**
 * Runs `body` in a transaction, inside the one whose body runs here if there is one.
 *
 * The value that the body returns is staged unless it stages another one itself.
 *
 * @returns what the body returned, or the stored value of the key
 * @throws what the body threw, after the rollback; SluiceError `SLUICE_TRANSACTION_ROLLED_BACK` (with cause) when the commit failed;
 *   `SLUICE_OPTION_INVALID` for a key without a store
 */
export async function transaction<T>(
  options: TransactionOptions,
  body: (transaction: Transaction) => T | Promise<T>,
): Promise<T> {
  const parent = currentTransaction();
  const txn = new Transaction({
    name: options.key ?? "transaction",
    parent,
    options,
    write: undefined,
    onRolledBack: undefined,
  });
  const stored = await txn.begin();
  // The store keeps what an earlier body of this key returned, and a key is of one body: the caller's contract.
  if (stored !== undefined) return stored.value as T;
  let value: T;
  try {
    value = await txn.inside(() => body(txn));
  } catch (error) {
    await txn.abandon();
    throw error;
  }
  if (txn.state === "ACTIVE") txn.stage(value);
  await txn.close();
  if (txn.failure !== undefined) {
    throw new SluiceError(
      "SLUICE_TRANSACTION_ROLLED_BACK",
      `The transaction${options.key === undefined ? "" : ` "${options.key}"`} could not commit and was rolled back: ${describe(txn.failure.error)}. Mend the cause and run it again.`,
      { cause: txn.failure.error },
    );
  }
  return value;
}

/**
 * Stages a finished run of a task in the transaction around it; without one it commits at once.
 *
 * Resolves to what became of it: `staged` (the transaction will decide), `committed`, or `rolled-back`; failures of hooks and writes go to `report`.
 */
export async function stageTask(
  parent: Transaction | undefined,
  { name, write, onRolledBack, report, ...hooks }: StagedTask,
): Promise<"staged" | "committed" | "rolled-back"> {
  const options: TransactionOptions = report === undefined ? {} : { report };
  const txn = new Transaction({ name, parent, options, write, onRolledBack });
  txn.stage(undefined, hooks);
  await txn.close();
  return txn.state === "COMMITTED" ? "committed" : txn.state === "ROLLED_BACK" ? "rolled-back" : "staged";
}

function optionError(message: string): SluiceError {
  return new SluiceError("SLUICE_OPTION_INVALID", message);
}

function warnOfProblem({ during, name, error }: TransactionProblem): void {
  process.emitWarning(
    `A hook or write of "${name}" failed during ${during}: ${describe(error)}`,
    "SluiceTransactionWarning",
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function copyOf(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    // Functions, sockets and the like are given as they are; documented at `get`.
    return value;
  }
}
