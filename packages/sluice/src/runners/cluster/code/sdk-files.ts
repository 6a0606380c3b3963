import { hash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Metafile, Plugin } from "esbuild";
import { siblingModule } from "../../pool/executor.ts";
import { pythonFile, PYTHON_FILES } from "../python-sources.ts";
import { loadBundler } from "./bundler.ts";

/**
 * The package's own files, as a node of a cluster needs them: the far side, the engine, what flows import, and the libraries of those.
 *
 * They go there as they are, in their own folders, so that relative paths (workers' entries, a nested pool) hold there too.
 */
export interface SdkFiles {
  /** SHA-256 of all paths and contents, in hexadecimal. */
  readonly hash: string;
  /** By path below the package's folder, with "/". */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Path of a file of the package below its folder, when it is among them. */
  pathOf(file: string): string | undefined;
}

const packageFolder = fileURLToPath(new URL("../../../../", import.meta.url));
/** What user code may import, and what starts by itself in a worker. */
const ENTRIES = [
  "../../../index",
  "../../../client/index",
  "../../../rules/index",
  "../../../wire/index",
  "../../dask/index",
  "../../ray/index",
  "../../far-side/entry",
  "../../far-side/parent-watch-thread",
  "../../../flows/parent-run-thread",
] as const;
/** Loaded by a root process only: the embedded home with its server. */
const NOT_SHIPPED = /[/\\]home[/\\]home\.[jt]s$/;

const known = new Map<string, Promise<SdkFiles>>();

/** Reads them, once for each engine. @param engineUrl module of the engine (`HomeLink.engineUrl`) */
export function sdkFiles(engineUrl: string): Promise<SdkFiles> {
  let files = known.get(engineUrl);
  if (files === undefined) known.set(engineUrl, (files = readSdk(engineUrl)));
  return files;
}

async function readSdk(engineUrl: string): Promise<SdkFiles> {
  const { build } = await loadBundler();
  const entries = ENTRIES.map((entry) => fileURLToPath(siblingModule(entry, import.meta.url)));
  const { metafile } = await build({
    entryPoints: [...entries, fileURLToPath(engineUrl)],
    absWorkingDir: packageFolder,
    outdir: packageFolder,
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
    external: ["esbuild"],
    plugins: [leaveOut],
  });
  return collect(metafile);
}

const leaveOut: Plugin = {
  name: "sluice-not-shipped",
  setup: (build) => {
    build.onResolve({ filter: /home/ }, ({ path, resolveDir }) =>
      NOT_SHIPPED.test(resolve(resolveDir, path)) ? { path, external: true } : undefined,
    );
  },
};

function collect(metafile: Metafile): SdkFiles {
  const files = new Map<string, Uint8Array>();
  const add = (file: string, path: string): void => void files.set(path, readFileSync(file));
  for (const input of Object.keys(metafile.inputs).toSorted()) {
    const file = resolve(packageFolder, input);
    const library = libraryOf(file);
    if (library === undefined) add(file, slashes(relative(packageFolder, file)));
    else {
      add(file, `node_modules/${slashes(relative(library.root, file))}`);
      add(join(library.folder, "package.json"), `node_modules/${library.name}/package.json`);
    }
  }
  add(join(packageFolder, "package.json"), "package.json");
  for (const name of PYTHON_FILES) add(fileURLToPath(pythonFile(name)), `python/${name}`);
  const content = [...files].flatMap(([path, bytes]) => [path, hash("sha256", bytes)]);
  return {
    hash: hash("sha256", content.join("\n")),
    files,
    pathOf: (file) => {
      const path = slashes(relative(packageFolder, file));
      return files.has(path) ? path : undefined;
    },
  };
}

/** The library that a file belongs to: its name, its folder, and the `node_modules` that it lies in. */
function libraryOf(
  file: string,
): { readonly root: string; readonly name: string; readonly folder: string } | undefined {
  const at = file.lastIndexOf(`${sep}node_modules${sep}`);
  if (at < 0) return undefined;
  const root = file.slice(0, at + `${sep}node_modules`.length);
  const parts = file.slice(root.length + 1).split(sep);
  const name = parts.slice(0, parts[0]?.startsWith("@") === true ? 2 : 1);
  return { root, name: name.join("/"), folder: join(root, ...name) };
}

function slashes(path: string): string {
  return sep === "/" ? path : path.split(sep).join("/");
}

/** Whether a folder is that of the package, or of another copy of it. */
export function isPackageFolder(folder: string): boolean {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return false;
  const parsed = JSON.parse(readFileSync(file, "utf8")) as { readonly name?: unknown }; // any package.json
  return parsed.name === "sluice";
}

/** The folder of the copy of the package that a file lies in; undefined for any other file. */
export function packageOf(file: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return isPackageFolder(folder) ? folder : undefined;
    if (dirname(folder) === folder) return undefined;
  }
}
