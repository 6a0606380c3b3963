import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { repoFolder } from "../architecture/source-imports.ts";

const run = promisify(execFile);

/** One package that an install brought: its path below the folder, and whether npm would run a script for it. */
export interface InstalledEntry {
  readonly path: string;
  readonly hasInstallScript: boolean;
}

/** An otherwise empty project with the packed `sluice` installed; it is removed when disposed of. */
export interface InstalledPackage extends AsyncDisposable {
  readonly folder: string;
  /** Names of the files in the tarball, from its top: `package.json`, `dist/index.js`. */
  readonly packedFiles: readonly string[];
  readonly entries: readonly InstalledEntry[];
  /** Starts a program in the folder and awaits its end; rejects with its output when it fails. */
  execute(command: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }>;
}

/**
 * Packs `sluice` as it would be published and installs it in an empty folder with nothing else.
 *
 * The build must be fresh. The dependencies come from npm's cache, or from the registry when they are not in it.
 *
 * @param sources files to write beside it, by name
 */
export async function installPackage(sources: Readonly<Record<string, string>>): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-packaging-"));
  const home = join(folder, "home");
  const npmOptions = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const execute = (command: string, args: readonly string[]) =>
    run(command, args, { cwd: folder, timeout: 120_000, env: { ...process.env, SLUICE_HOME: home, NO_COLOR: "1" } });
  try {
    await mkdir(home);
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
    for (const [name, text] of Object.entries(sources)) await writeFile(join(folder, name), text);
    const packed = await execute("npm", [
      "pack",
      join(repoFolder, "packages/sluice"),
      "--json",
      "--pack-destination",
      folder,
      ...npmOptions,
    ]);
    const { filename, files } = readPackReport(packed.stdout);
    await execute("npm", ["install", `./${filename}`, ...npmOptions]);
    const lock: { packages: Record<string, { hasInstallScript?: boolean }> } = JSON.parse(
      await readFile(join(folder, "node_modules/.package-lock.json"), "utf8"),
    );
    const entries = Object.entries(lock.packages).map(([path, entry]) => ({
      path,
      hasInstallScript: entry.hasInstallScript === true,
    }));
    return { folder, packedFiles: files, entries, execute, [Symbol.asyncDispose]: () => removeFolder(folder) };
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

interface PackReport {
  readonly filename: string;
  readonly files: readonly string[];
}

/** npm 11 prints an array of reports, npm 12 an object by package name. */
function readPackReport(text: string): PackReport {
  const printed: Record<string, { filename: string; files: { path: string }[] }> = JSON.parse(text);
  const [report] = Object.values(printed);
  if (report === undefined) throw new Error(`npm pack printed no report: ${text}`);
  return { filename: report.filename, files: report.files.map(({ path }) => path) };
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
