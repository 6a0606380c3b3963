import type { DatabaseSync } from "node:sqlite";
import { chmodSync } from "node:fs";
import { unwritable } from "./home-paths.ts";

/** SQLite's code for "somebody else holds the lock". */
const SQLITE_BUSY = 5;

/** The right to lead a home, held until released or until this process is gone. */
export interface LeaderLock {
  /** Gives the lead up; a second call does nothing. */
  release(): void;
}

/**
 * Tries to become the leader of a home, without waiting.
 *
 * The lock is SQLite's own exclusive lock on an otherwise empty database: a lock of the kernel's, which falls when its process dies in
 * whatever way, on every system that SQLite runs on. Do not open and close the file by other means in the same process: POSIX drops the
 * locks of a process on a file with any of its descriptors.
 *
 * @returns undefined when another process (or another thread of this one) leads
 * @throws SluiceError `SLUICE_HOME_UNWRITABLE` when the file cannot be made or locked at all
 */
export function tryLeaderLock(lockFile: string): LeaderLock | undefined {
  let database: DatabaseSync | undefined;
  try {
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    database = new DatabaseSync(lockFile, { timeout: 0 });
    database.exec("BEGIN EXCLUSIVE");
    chmodSync(lockFile, 0o600);
  } catch (error) {
    database?.close();
    if (isBusy(error)) return undefined;
    throw unwritable(lockFile, error);
  }
  const held = database;
  let released = false;
  return {
    release: () => {
      if (released) return;
      released = true;
      held.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}
