import { join } from "node:path";
import { currentFrame } from "../../engine/context/frame.ts";
import {
  transaction as runTransaction,
  type Transaction,
  type TransactionOptions,
} from "../../engine/results/transaction.ts";
import { loadSettings } from "../../client/settings.ts";
import { openSession } from "../session.ts";

type Body<T> = (transaction: Transaction) => T | Promise<T>;

/**
 * Runs `body` so that the results and effects of the tasks in it count together or not at all.
 *
 * Each finished task run inside stages its result and its `onCommit`/`onRollback` hooks; they happen when the outermost transaction commits, and a body that throws
 * rolls back what was staged, last one first. With a `key` the transaction happens once: a second one gives the stored value. Tasks that a runner carries to another
 * thread or process are not part of it.
 *
 * @returns what the body returned
 * @throws what the body threw, after the rollback; SluiceError SLUICE_TRANSACTION_ROLLED_BACK when the commit failed
 */
export function transaction<T>(body: Body<T>): Promise<T>;
export function transaction<T>(options: TransactionOptions, body: Body<T>): Promise<T>;
export async function transaction<T>(first: TransactionOptions | Body<T>, second?: Body<T>): Promise<T> {
  const options = typeof first === "function" ? {} : first;
  const body = typeof first === "function" ? first : second;
  if (body === undefined) throw new TypeError("transaction() expected a function as its last argument.");
  if (options.key === undefined) return runTransaction(options, body);
  const host = currentFrame()?.scope.host ?? openSession();
  const { FileKeyLocks } = await import("../../engine/results/file-key-locks.ts");
  const locks = new FileKeyLocks(join(loadSettings().localStoragePath, ".locks"));
  return runTransaction({ store: host.results(), locks, ...options }, body);
}
