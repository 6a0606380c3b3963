import { createHash } from "node:crypto";
import { accessSync, constants, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { SluiceError } from "../wire/errors.ts";

/** Where the things of one home lie. */
export interface HomePaths {
  readonly home: string;
  /** Its lock is the right to lead; its content means nothing. */
  readonly lockFile: string;
  /** The leader's unix socket, always at the same place for one home. */
  readonly socketPath: string;
  readonly databaseFile: string;
  /** Socket of this process alone, for its children, where they must not speak to the store themselves. */
  readonly relayPath: string;
  /** Which kind of server was met at which address. */
  readonly serversFile: string;
  /** Parent of the spools, one directory a process. */
  readonly outboxDirectory: string;
}

/** The kernel takes about 104 (macOS) to 108 (Linux) bytes; longer paths are cut off silently by some systems. */
const SOCKET_PATH_LIMIT_BYTES = 100;

/**
 * Makes the home ready: its directory exists, belongs to its owner only when made here, and can be written.
 *
 * The socket lies in a directory of its own that only its owner may enter, so that nobody connects between its creation and its `chmod`.
 *
 * @param databaseUrl a path or `sqlite:///path`; null for `sluice.db` in the home
 * @throws SluiceError `SLUICE_HOME_UNWRITABLE` naming the directory and the reason; `SLUICE_OPTION_INVALID` for a database that is no SQLite file
 */
export function prepareHome(home: string, databaseUrl: string | null): HomePaths {
  makeOwnerDirectory(home);
  const socketPath = prepareSocketPath(home);
  return {
    home,
    lockFile: join(home, "leader.lock"),
    socketPath,
    // As short as the socket's own name, whose path was found to be short enough.
    relayPath: join(dirname(socketPath), `r${process.pid.toString(36)}`),
    serversFile: join(home, "servers.json"),
    databaseFile: databaseFileOf(home, databaseUrl),
    outboxDirectory: join(home, "outbox"),
  };
}

function prepareSocketPath(home: string): string {
  const inside = join(home, "run", "api.sock");
  const name = createHash("sha256").update(resolve(home)).digest("hex").slice(0, 16);
  const short = (base: string): string => join(base, `sluice-${String(process.getuid?.() ?? 0)}-${name}`, "api.sock");
  const fits = (path: string): boolean => Buffer.byteLength(path) <= SOCKET_PATH_LIMIT_BYTES;
  const path = [inside, short(tmpdir())].find(fits) ?? short("/tmp");
  const directory = resolve(path, "..");
  makeOwnerDirectory(directory);
  if (path !== inside) assertOwnedByUs(directory);
  return path;
}

/** Another user could have made a directory of that name in the shared temporary directory first. */
function assertOwnedByUs(directory: string): void {
  const stat = lstatSync(directory);
  const ours = process.getuid === undefined || stat.uid === process.getuid();
  if (stat.isDirectory() && ours && (stat.mode & 0o077) === 0) return;
  throw new SluiceError(
    "SLUICE_HOME_UNWRITABLE",
    `${directory}, the place of this home's socket, must be a directory that only its owner can enter. Remove it, or set a shorter SLUICE_HOME.`,
  );
}

function makeOwnerDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(directory, error);
  }
}

/** The error of a home, or a part of it, that cannot be written. */
export function unwritable(path: string, cause: unknown): SluiceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SluiceError(
    "SLUICE_HOME_UNWRITABLE",
    `Cannot write ${path}: ${reason}. Check its owner and the space on its disk, or set SLUICE_HOME to a directory of your own.`,
    { cause },
  );
}

function databaseFileOf(home: string, databaseUrl: string | null): string {
  if (databaseUrl === null) return join(home, "sluice.db");
  if (!/^[a-z][a-z0-9+.-]+:/i.test(databaseUrl)) return resolve(databaseUrl);
  const match = /^sqlite(?:\+\w+)?:\/\/\/(.+)$/.exec(databaseUrl);
  if (match?.[1] !== undefined) return resolve("/", match[1]);
  // The address may hold a password, so it is not quoted.
  throw new SluiceError(
    "SLUICE_OPTION_INVALID",
    "SLUICE_DATABASE_URL must be a path or sqlite:///path/to/file.db; other databases are not supported by the embedded server.",
  );
}
