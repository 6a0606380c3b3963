/**
 * Sets the repository up, from a clean clone to a built tree: installs the dependencies of the lockfile when they are
 * not those on disk, then builds what is stale. Says a line only when there is something to do; a second run takes
 * about a second and needs no network. Plain Node 20 syntax.
 *
 * `node scripts/setup.mjs` does just this; `start.mjs`, `test.mjs` and `bench.mjs` do it first.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { findNode, repoFolder } from "./repo-node.mjs";
import { runProgram } from "./run-program.mjs";

const lockfile = join(repoFolder, "package-lock.json");
/** Written by npm as the last act of an install: what lies in node_modules. */
const installedLockfile = join(repoFolder, "node_modules/.package-lock.json");
const sourceFolder = join(repoFolder, "packages/sluice/src");
const builtFolder = join(repoFolder, "packages/sluice/dist");

function readPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/** Tells whether every package of the lockfile lies in node_modules in its version; those of other platforms may lack. */
function isInstalled() {
  if (!existsSync(installedLockfile)) return false;
  const installed = readPackages(installedLockfile);
  return Object.entries(readPackages(lockfile)).every(([path, wanted]) => {
    if (!path.startsWith("node_modules/") || wanted.link) return true;
    const found = installed[path];
    return found ? found.version === wanted.version : Boolean(wanted.optional || wanted.devOptional || wanted.peer);
  });
}

/** Installs the dependencies of the lockfile when they are not there; awaits npm and ends the process when it fails. */
export async function installDependencies() {
  if (isInstalled()) return;
  console.error("Installing dependencies (once, about a minute) …");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--include=dev", "--include=optional", "--prefer-offline", "--loglevel=error"];
  const code = npm?.endsWith(".js")
    ? await runProgram(process.execPath, [npm, ...args])
    : await runProgram("npm", args);
  if (code === 0) return;
  console.error(
    "npm ci failed (its message is above). Check the network and the registry, then run the command again.",
  );
  process.exit(code);
}

/** Removes from the built folder what no source stands behind any more; the compiler leaves it there. */
function removeOrphans() {
  if (!existsSync(builtFolder)) return;
  for (const entry of readdirSync(builtFolder, { recursive: true })) {
    const built = /^(.+)\.(?:js|d\.ts)(?:\.map)?$/.exec(entry);
    if (built && !existsSync(join(sourceFolder, `${built[1]}.ts`))) rmSync(join(builtFolder, entry));
  }
}

/** Builds what is stale (the compiler knows) and returns the compiler's exit code; it emits in spite of type errors. */
export async function build() {
  if (!existsSync(builtFolder)) console.error("Building …");
  removeOrphans();
  return await runProgram(findNode(), [join(repoFolder, "node_modules/typescript/bin/tsc"), "-b"]);
}

/** Installs and builds; ends the process when one of them fails. */
export async function setUp() {
  await installDependencies();
  const code = await build();
  if (code === 0) return;
  console.error("The build failed (the compiler's messages are above).");
  process.exit(code);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await setUp();
