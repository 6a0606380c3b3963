import { existsSync, statSync } from "node:fs";
import type { Command } from "commander";
import { loadSettings } from "../client/settings.ts";
import { RefusedError, UsageError } from "./command-error.ts";
import { printLines } from "./output.ts";

/** Adds `database backup | vacuum | upgrade | reset`, on the database of the home. */
export function define(command: Command): void {
  command
    .command("backup")
    .summary("Copy the database to a file, while flows go on")
    .argument("<file>", "A file that is not there yet")
    .action((file: string) => copy(file));
  command
    .command("vacuum")
    .summary("Give the space of what was deleted back to the disk")
    .action(() => alone((database) => database.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)"), "Vacuumed"));
  command
    .command("upgrade")
    .summary("Bring the layout of the database up to date, as every start does")
    .action(() => alone(() => undefined, "Up to date:"));
  command
    .command("reset")
    .summary("Delete everything in the database")
    .option("-y, --yes", "Do not refuse")
    .action((options: { yes?: boolean }) => reset(options.yes === true));
}

type OpenedDatabase = Awaited<ReturnType<typeof openOwn>>;

async function pathsOfHome() {
  const { prepareHome } = await import("../home/home-paths.ts");
  const { home, databaseUrl } = loadSettings();
  return prepareHome(home, databaseUrl);
}

async function openOwn(file: string) {
  const { openDatabase } = await import("../server/db/open-database.ts");
  return openDatabase(file);
}

async function copy(target: string): Promise<void> {
  const { databaseFile: file } = await pathsOfHome();
  if (!existsSync(file)) throw new RefusedError(`there is no database ${file} yet: no flow has run on this home.`);
  if (existsSync(target)) throw new RefusedError(`${target} is there already; name a file that is not.`);
  const { DatabaseSync, backup } = await import("node:sqlite");
  const source = new DatabaseSync(file, { readOnly: true });
  try {
    await backup(source, target);
  } finally {
    source.close();
  }
  printLines([`Copied ${file} to ${target} (${statSync(target).size} bytes).`]);
}

/** Does something to the database that nobody else may have open meanwhile. */
async function alone(act: (database: OpenedDatabase) => void, done: string): Promise<void> {
  const paths = await pathsOfHome();
  const { tryLeaderLock } = await import("../home/leader-lock.ts");
  const lock = tryLeaderLock(paths.lockFile);
  if (!lock)
    throw new RefusedError(
      `a process works with ${paths.databaseFile}: stop the server and the flows of this home, then try again.`,
    );
  try {
    const database = await openOwn(paths.databaseFile);
    try {
      act(database);
    } finally {
      database.close();
    }
  } finally {
    lock.release();
  }
  printLines([`${done} ${paths.databaseFile} (${statSync(paths.databaseFile).size} bytes).`]);
}

async function reset(isSure: boolean): Promise<void> {
  const { databaseFile } = await pathsOfHome();
  if (!isSure) throw new UsageError(`this deletes every run, log and setting in ${databaseFile}; --yes does it.`);
  await alone((database) => {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all();
    for (const { name } of tables) database.exec(`DELETE FROM "${String(name)}"`);
    database.exec("VACUUM");
  }, "Emptied");
}
