import { findCallPlace } from "./source-home.ts";

/**
 * Stops a program where it would start its own runs, while it is only imported for its functions.
 *
 * A worker re-imports the module that defined a function, and `sluice run` imports a file to find a flow. Either would start the script's master
 * run again: at the top level, in a `main()` after other awaits, in a library. So in such a process **every** flow or task call that has no run context halts where it stands.
 *
 * 1. The mode begins once ({@link beginImporting}) and lasts as long as the process or thread: a `main()` may reach its call long after the import has settled.
 * 2. A halted call gives a promise that never settles. Nothing refers to it but the caller, so it keeps nothing alive and is collected with it.
 *    It does not throw: `main().catch(() => process.exit(1))` must not end a worker.
 * 3. A submit gives a future that never settles, for the same reason.
 * 4. Calls inside a run are never halted: the importer itself starts what it imported below the public functions.
 *
 * State lives on `globalThis`, shared by all copies of the package in the process.
 */
export interface HaltedCall {
  /** Name of the flow or task that was called. */
  readonly name: string;
  /** `file:line:column` of the call. */
  readonly at: string;
}

interface HaltState {
  importing: boolean;
  readonly listeners: Set<(call: HaltedCall) => void>;
}

const STATE_KEY = Symbol.for("sluice.import-halt");
const state = sharedState();

/** Makes every call without a run context halt from now on, in this thread. */
export function beginImporting(): void {
  state.importing = true;
}

/**
 * Halts a call that has no run context while modules are only imported.
 *
 * The caller returns the promise as it is (or a future that waits for it): it never settles.
 *
 * @param name of the flow or task called
 * @returns undefined when the call may go on
 */
export function haltIfImporting(name: string): Promise<never> | undefined {
  if (!state.importing) return undefined;
  announceHalt(name);
  return new Promise<never>(() => undefined);
}

/** Calls back at each halted call. Returns the function that ends it. */
export function onHalted(listener: (call: HaltedCall) => void): () => void {
  state.listeners.add(listener);
  return () => state.listeners.delete(listener);
}

function announceHalt(name: string): HaltedCall {
  const call = { name, at: findCallPlace(announceHalt) };
  for (const listener of state.listeners) listener(call);
  return call;
}

function sharedState(): HaltState {
  // The symbol is registered by this package alone, and every copy stores this shape under it.
  const holder = globalThis as { [STATE_KEY]?: HaltState };
  return (holder[STATE_KEY] ??= { importing: false, listeners: new Set() });
}
