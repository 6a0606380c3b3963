import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isSluiceError, SluiceError } from "../../wire/errors.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";
import { explainDatabaseError } from "./sqlite-error.ts";

/** 8 MB of pages in memory: new runs go to the ends of their tables, and the file is in the system's cache besides. */
const CACHE_KIB = 8192;
/** Pages in the write-ahead log before it is carried over: 16 MB, so that a page written by several batches is carried over once. */
const CHECKPOINT_PAGES = 4000;
/** How long a writer waits for a foreign process that holds the database, as a backup does. */
const BUSY_MS = 5000;

/** How the database is opened. */
export interface DatabaseOptions {
  /** NORMAL survives the death of any process, FULL also a power loss, at one fsync a commit. Default NORMAL. */
  readonly synchronous?: "NORMAL" | "FULL";
}

/**
 * Opens the database file for its one writer, makes it when it is not there (mode 0600), and brings its layout up to date.
 *
 * A file that is no readable database is renamed beside itself, so that its bytes are kept and the next open starts afresh; this open fails.
 *
 * @throws SluiceError `SLUICE_DATABASE_CORRUPT` with the name it was kept under, `SLUICE_DATABASE_NEWER`, `SLUICE_HOME_UNWRITABLE`, `SLUICE_DISK_FULL`
 */
export function openDatabase(file: string, options: DatabaseOptions = {}): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    makeOwnerOnly(file);
    database = new DatabaseSync(file, { timeout: BUSY_MS });
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA synchronous = ${options.synchronous ?? "NORMAL"}`);
    database.exec(
      `PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA temp_store = MEMORY`,
    );
    migrate(database, file);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    const explained = explainDatabaseError(error, file);
    throw isSluiceError(explained, "SLUICE_DATABASE_CORRUPT") && explained !== error
      ? keepAside(file, explained)
      : explained;
  }
}

/** Opens a database that its writer has open, for another thread to read. */
export function openReadOnly(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
  return database;
}

function makeOwnerOnly(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
}

function migrate(database: DatabaseSync, file: string): void {
  const version = pragma(database, "user_version");
  if (version > MIGRATIONS.length) {
    throw new SluiceError(
      "SLUICE_DATABASE_NEWER",
      `The database ${file} has layout ${version}, this Sluice knows ${MIGRATIONS.length}: a newer Sluice has written it. Update Sluice, or set SLUICE_HOME to another folder.`,
    );
  }
  if (version > 0 && version === MIGRATIONS.length) return;
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get();
  if (pragma(database, "application_id") !== APPLICATION_ID && tables?.["n"] !== 0) {
    throw new SluiceError(
      "SLUICE_DATABASE_CORRUPT",
      `The file ${file} is a database of another program and was left as it is. Set SLUICE_HOME to another folder.`,
    );
  }
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const migration of MIGRATIONS.slice(version)) database.exec(migration);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function pragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

function keepAside(file: string, reason: SluiceError): SluiceError {
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, "").replace(".", "-");
  const kept = `${file}.corrupt-${stamp}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(file + suffix)) renameSync(file + suffix, kept + suffix);
  }
  return new SluiceError(
    "SLUICE_DATABASE_CORRUPT",
    `${reason.message} It was kept, unchanged, as ${kept}. Run again to start with an empty database, or put a good copy back at ${file}.`,
    { cause: reason.cause },
  );
}
