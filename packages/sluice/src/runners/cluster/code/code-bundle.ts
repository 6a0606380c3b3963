import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type {
  BuildFailure,
  Loader,
  OnLoadArgs,
  OnLoadResult,
  OnResolveArgs,
  OnResolveResult,
  Plugin,
  PluginBuild,
} from "esbuild";
import { definedAtMs, functionsOf } from "../../../engine/functions/function-registry.ts";
import type { BundleManifest } from "../../../engine/functions/shipped-modules.ts";
import { SluiceError } from "../../../wire/errors.ts";
import { loadBundler } from "./bundler.ts";
import { BUNDLE_FILE } from "../carried-order.ts";
import { packageOf, type SdkFiles } from "./sdk-files.ts";
import { markModule } from "./module-marks.ts";

/** A user's module with all that it imports, as one file for a cluster. */
export interface CodeBundle {
  /** SHA-256 of its files, in hexadecimal: its name there. */
  readonly hash: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Files that the code reads relative to its own, as `path (in module)`: they stay here. */
  readonly assets: readonly string[];
}

const LOADERS: Readonly<Record<string, Loader>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
};
/** Bundled CommonJS code asks for Node's modules by `require`. */
const REQUIRE =
  'import { createRequire as __sluiceRequire } from "node:module"; const require = __sluiceRequire(import.meta.url);';

/**
 * Bundles a module of the user's for a cluster.
 *
 * Its own modules and their libraries go into one file of ES modules; the package itself is imported from the files that are shipped beside it. Every module says
 * which one it is while it is evaluated, so that its functions are found by the names that they have here.
 *
 * @param home URL of the module
 * @param external packages that the nodes have themselves
 * @throws SluiceError SLUICE_NOT_PORTABLE for native addons and for parts of the package that are not shipped; SLUICE_FUNCTION_CHANGED for a file edited since it was loaded;
 *   SLUICE_IMPORT_FAILED for what does not bundle
 */
export async function bundleModule(home: string, sdk: SdkFiles, external: readonly string[]): Promise<CodeBundle> {
  const collected = new ModuleCollector(sdk);
  const entry = fileURLToPath(home);
  const text = await runBundler(entry, collected, external);
  refuseAddons(home, collected.addons);
  const manifest = manifestOf(collected.modules);
  const banner = `globalThis[Symbol.for("sluice.shipped")]?.manifest(${JSON.stringify(manifest)});`;
  // The banner takes no line of its own, so the source map holds.
  const code = Buffer.from(`${banner} ${text.code}`);
  return {
    hash: hash("sha256", Buffer.concat([code, text.map])),
    files: new Map<string, Uint8Array>([
      [BUNDLE_FILE, code],
      [`${BUNDLE_FILE}.map`, text.map],
    ]),
    assets: collected.assets,
  };
}

async function runBundler(
  entry: string,
  collected: ModuleCollector,
  external: readonly string[],
): Promise<{ readonly code: string; readonly map: Uint8Array }> {
  const { build } = await loadBundler();
  const outfile = join(dirname(entry), BUNDLE_FILE);
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      absWorkingDir: dirname(entry),
      outfile,
      bundle: true,
      write: false,
      platform: "node",
      format: "esm",
      target: "node24",
      sourcemap: "linked",
      sourcesContent: false,
      keepNames: false,
      logLevel: "silent",
      external: [...external],
      banner: { js: REQUIRE },
      plugins: [collected.plugin()],
    });
    const code = outputFiles.find((file) => file.path === outfile)?.text ?? "";
    const map = outputFiles.find((file) => file.path === `${outfile}.map`)?.text ?? "{}";
    return { code, map: Buffer.from(absoluteSources(map, dirname(entry))) };
  } catch (error) {
    throw failed(entry, error);
  }
}

/** Sources named by their place here, so that stack traces name them wherever the bundle lies. */
function absoluteSources(map: string, folder: string): string {
  const parsed = JSON.parse(map) as { sources?: string[] }; // esbuild's own map
  const sources = (parsed.sources ?? []).map((source) => pathToFileURL(resolve(folder, source)).href);
  return JSON.stringify({ ...parsed, sources });
}

/** What one bundle is made of, noted while it is made. */
class ModuleCollector {
  readonly modules = new Set<string>();
  readonly addons: string[] = [];
  readonly assets: string[] = [];
  readonly #sdk: SdkFiles;

  constructor(sdk: SdkFiles) {
    this.#sdk = sdk;
  }

  plugin(): Plugin {
    return {
      name: "sluice-code",
      setup: (build) => {
        build.onResolve({ filter: /.*/ }, (args) => this.#resolve(build, args));
        build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, (args) => this.#load(args));
      },
    };
  }

  async #resolve(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    const { kind, resolveDir, importer, pluginData } = args;
    const path = args.path.startsWith("file:") ? fileURLToPath(args.path) : args.path;
    if (pluginData === this || kind === "entry-point" || path.startsWith("node:")) return undefined;
    const found = await build.resolve(path, { kind, resolveDir, importer, pluginData: this });
    if (found.errors.length > 0 || found.external) return found;
    if (found.path.endsWith(".node")) {
      this.addons.push(`${path} (imported by ${importer})`);
      return { path, external: true };
    }
    const folder = packageOf(found.path);
    if (folder === undefined) return found;
    const shipped = this.#sdk.pathOf(found.path) ?? this.#sdkPath(relative(folder, found.path));
    if (shipped !== undefined) return { path: `../../sdk/${this.#sdk.hash}/${shipped}`, external: true };
    if (/\.(?:fixture|test|testsuite)\.[jt]s$/.test(found.path)) return found;
    throw new SluiceError(
      "SLUICE_NOT_PORTABLE",
      `${importer} imports ${path}, a part of sluice that does not go to clusters. Import it where the main program needs it, not in a module of flows.`,
    );
  }

  /** The same file of another copy of the package. */
  #sdkPath(path: string): string | undefined {
    const shipped = path.replaceAll("\\", "/");
    return this.#sdk.files.has(shipped) ? shipped : undefined;
  }

  #load({ path }: OnLoadArgs): OnLoadResult {
    this.modules.add(path);
    const { text, assets } = markModule(path, readFileSync(path, "utf8"));
    this.assets.push(...assets);
    return { contents: text, loader: LOADERS[extname(path)] ?? "js", resolveDir: dirname(path) };
  }
}

/** The functions that these modules have defined here, and the hashes of their sources: bundling changes their texts. */
function manifestOf(modules: ReadonlySet<string>): BundleManifest {
  const manifest: Record<string, string> = {};
  for (const module of [...modules].toSorted()) {
    const home = pathToFileURL(module).href;
    const functions = functionsOf(home);
    if (functions.length > 0) refuseEdited(module, home);
    for (const { reference } of functions) {
      manifest[`${home}\n${reference.kind}\n${reference.name}\n${reference.ordinal}`] = reference.source_hash;
    }
  }
  return manifest;
}

function refuseEdited(file: string, home: string): void {
  const loadedAtMs = definedAtMs(home);
  if (loadedAtMs === undefined || statSync(file).mtimeMs <= loadedAtMs) return;
  throw new SluiceError(
    "SLUICE_FUNCTION_CHANGED",
    `Expected ${file} as it was when this program loaded it, but it was edited since: a cluster would run other code than this process. Start the program again.`,
  );
}

function refuseAddons(home: string, addons: readonly string[]): void {
  if (addons.length === 0) return;
  throw new SluiceError(
    "SLUICE_NOT_PORTABLE",
    `${home} needs native addons, which cannot be sent to a cluster: ${addons.join(", ")}. Install their packages on the nodes and name them by the option "external" of the task runner.`,
  );
}

function failed(entry: string, cause: unknown): SluiceError {
  if (cause instanceof SluiceError) return cause;
  const errors = isBuildFailure(cause) ? cause.errors : [];
  const own = errors.map(({ detail }): unknown => detail).find((detail) => detail instanceof SluiceError);
  if (own instanceof SluiceError) return own;
  const story = errors
    .slice(0, 3)
    .map(({ text, location }) => (location === null ? text : `${location.file}:${location.line}: ${text}`))
    .join("; ");
  return new SluiceError(
    "SLUICE_IMPORT_FAILED",
    `${entry} could not be bundled for the cluster: ${story === "" ? String(cause) : story}`,
    { cause },
  );
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}
