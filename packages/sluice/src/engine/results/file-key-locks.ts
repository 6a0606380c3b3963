/**
 * Locks by key, shared by all processes of a machine that use one folder.
 *
 * A lock is the exclusive lock of an empty SQLite file, so the kernel gives it back when its process dies: there is no pid to misjudge and no
 * lease to run out while a body computes. The files stay (removing one would let two holders in), are empty, and are named by the hash of the key.
 * On a network file system it is as good as the locks of that system are.
 */
import { randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { SluiceError } from "../../wire/errors.ts";
import { hashBytes } from "../values/canonical-hash.ts";
import type { KeyLocks } from "./transaction.ts";

/** Milliseconds between two tries, drawn anew each time so that waiters do not try in step. */
const RETRY_MIN_MS = 10;
const RETRY_MAX_MS = 40;

/** Code of SQLite for a file that another connection has locked. */
const SQLITE_BUSY = 5;

/** Locks in a folder, made at the first lock. Waiters are served in no particular order. */
export class FileKeyLocks implements KeyLocks {
  readonly folder: string;

  /** @param folder absolute path, such as `<storage>/.locks` */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Rejects with the signal's reason when it aborts first, with `SLUICE_HOME_UNWRITABLE` when the folder cannot be used. */
  async lock(key: string, signal?: AbortSignal): Promise<() => void> {
    const database = this.#open(key);
    try {
      signal?.throwIfAborted();
      while (!tryLock(database)) {
        await sleep(randomInt(RETRY_MIN_MS, RETRY_MAX_MS));
        signal?.throwIfAborted();
      }
    } catch (error) {
      database.close();
      throw error;
    }
    return () => {
      if (database.isOpen) database.close();
    };
  }

  #open(key: string): DatabaseSync {
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      return new DatabaseSync(join(this.folder, `${hashBytes(key)}.lock`), { timeout: 0 });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SluiceError(
        "SLUICE_HOME_UNWRITABLE",
        `Could not open the lock of "${key}" in ${this.folder}: ${reason}. Give this user the right to write there.`,
        { cause },
      );
    }
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
