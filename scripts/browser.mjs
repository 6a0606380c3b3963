/**
 * Finds a Chromium for the tests in a browser, and installs Debian's where that is possible: as root on a machine with apt.
 *
 * Prints its path on standard output. Exits with 1 and one line when there is none. `SLUICE_CHROMIUM` names one to use.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * Returns the path of a Chromium, after installing it if need be.
 *
 * @throws Error when there is none and none can be installed
 */
export function prepareBrowser() {
  const named = process.env.SLUICE_CHROMIUM;
  const found = named ?? places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    throw new Error("found no Chromium (on Debian: apt install chromium, or set SLUICE_CHROMIUM to its path)");
  }
  console.error("Installing Chromium by apt (once, about a minute) …");
  const options = { stdio: ["ignore", 2, 2], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "chromium"],
  ]) {
    const { status } = spawnSync("apt-get", args, options);
    if (status !== 0) throw new Error(`apt-get ${args[0]} ended with ${status}; its messages are above`);
  }
  return "/usr/bin/chromium";
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    console.log(prepareBrowser());
  } catch (error) {
    console.error(`There is no browser: ${error.message}.`);
    process.exitCode = 1;
  }
}
