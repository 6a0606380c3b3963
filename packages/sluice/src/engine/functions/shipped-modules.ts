/**
 * The modules of a bundle that runs on a node of a cluster, by the names that they have where the flow was written.
 *
 * While a module of a bundle is evaluated it says which one it is (`runners/cluster/code/module-marks.ts`), so the functions that it defines get their home; and the
 * bundle's manifest gives the hashes that their sources have there. Kept on `globalThis`, where the bundle finds it.
 */
export type BundleManifest = Readonly<Record<string, string>>;

interface ShippedModules {
  readonly open: string[];
  readonly hashes: Map<string, string>;
  /** URL of the file to import for a home. */
  readonly files: Map<string, string>;
  /** URL of the bundle that was imported last. */
  bundle: string;
  enter(url: string): void;
  leave(url: string): void;
  manifest(hashes: BundleManifest): void;
}

const KEY = Symbol.for("sluice.shipped");

/** Undefined where modules are files of their own: everywhere but on a node. */
function shipped(): ShippedModules | undefined {
  return (globalThis as { [KEY]?: ShippedModules })[KEY];
}

function open(): ShippedModules {
  const modules: ShippedModules = {
    open: [],
    hashes: new Map(),
    files: new Map(),
    bundle: "",
    enter: (url) => {
      modules.open.push(url);
      if (!modules.files.has(url)) modules.files.set(url, modules.bundle);
    },
    leave: (url) => {
      const at = modules.open.lastIndexOf(url);
      if (at >= 0) modules.open.splice(at);
    },
    manifest: (hashes) => {
      for (const [key, value] of Object.entries(hashes)) modules.hashes.set(key, value);
    },
  };
  return ((globalThis as { [KEY]?: ShippedModules })[KEY] = modules);
}

/** Notes which bundle holds a home. @param file URL of the bundle */
export function noteBundle(home: string, file: string): void {
  const modules = shipped() ?? open();
  modules.files.set(home, file);
  modules.bundle = file;
}

/** The bundle that holds a home; undefined where it is a file of its own. */
export function bundleOfHome(home: string): string | undefined {
  return shipped()?.files.get(home);
}

/** The module of a bundle that is being evaluated; undefined when none is. */
export function shippedHome(): string | undefined {
  return shipped()?.open.at(-1);
}

/** Ends the evaluation of whatever module has not ended by itself: it waits at a call that its importer halts. */
export function leaveShipped(): void {
  shipped()?.open.splice(0);
}

/** The hash that the source of a function has where the bundle was made. */
export function shippedHash(key: string): string | undefined {
  return shipped()?.hashes.get(key);
}
