import { SluiceError } from "../../wire/errors.ts";
import type { FunctionReference } from "../../wire/run-spec.ts";
import { findFunction, onDefined } from "./function-registry.ts";
import { onHalted, type HaltedCall } from "./import-halt.ts";
import { bundleOfHome, leaveShipped, noteBundle } from "./shipped-modules.ts";

/**
 * Imports users' modules for the functions they define.
 *
 * A module's evaluation is *under way*, then *decided*: it has settled, or it has halted at a call of a flow or task (`import-halt.ts`), or it
 * waits at a top-level await of its own for longer than the limits below. One evaluation is under way at a time, so a halt belongs to it.
 *
 * 1. A module is imported at most once in a process, whatever became of it: the loader would give the same answer again.
 * 2. A function is handed out only when its module is decided, so that what stands below it in the file is there too.
 * 3. Every call comes back: with the function, or with an error that says where the evaluation stands.
 */
export interface ImportOutcome {
  /** What the module exports; null unless its evaluation has settled well. */
  readonly exports: Readonly<Record<string, unknown>> | null;
  /** The call at which evaluation halted, null when it did not. */
  readonly halted: HaltedCall | null;
  /** What the module itself threw, or the loader about it; undefined when neither did. */
  readonly error: unknown;
}

interface ModuleLoad {
  outcome: ImportOutcome;
  settled: boolean;
  /** Resolves when the evaluation is decided. */
  readonly decided: Promise<void>;
}

/** How long an evaluation may take that neither settles nor halts (a top-level await of the module's own). */
const EVALUATION_LIMIT_MS = 30_000;
/** The same once the wanted function is there: it may use what the module defines after that await, so it is worth a while. */
const PATIENCE_MS = 2_000;
/** How long a function may take to be defined after a halt elsewhere in its module. */
const LATE_DEFINITION_MS = 500;

const loads = new Map<string, ModuleLoad>();
let lastDecided: Promise<void> = Promise.resolve();
let lastHalt: HaltedCall | null = null;
onHalted((call) => {
  lastHalt = call;
});

/**
 * Imports a module and resolves when its evaluation has settled, halted, or waits for longer than 30 seconds. Never rejects.
 *
 * Calls of flows and tasks halt only where `beginImporting` was called before.
 *
 * @param home URL of the module
 */
export async function importModule(home: string): Promise<ImportOutcome> {
  const load = loadOf(home, () => false);
  await load.decided;
  return load.outcome;
}

/**
 * Gives the definition that a reference names, importing its home module if need be.
 *
 * @throws SluiceError `SLUICE_NOT_PORTABLE` for a function made at run time; `SLUICE_IMPORT_FAILED` with the module's own error as cause;
 *   `SLUICE_FUNCTION_NOT_FOUND` naming the call at which evaluation halted before the definition; `SLUICE_FUNCTION_CHANGED` when the source differs
 */
export async function loadFunction(reference: FunctionReference): Promise<unknown> {
  const { home } = reference;
  if (home === null) throw notPortable(reference);
  if (reference.bundle !== undefined) noteBundle(home, reference.bundle);
  const defined = (): boolean => findFunction(reference) !== undefined;
  if (defined() && !loads.has(home)) {
    // Its module was evaluated for the sake of another one; that evaluation may still be under way.
    await lastDecided;
  } else {
    const load = loadOf(home, defined);
    await load.decided;
    if (load.outcome.error !== undefined) throw importFailed(reference, load.outcome.error);
    if (!defined() && !load.settled) await definedLater(reference);
  }
  const registered = findFunction(reference);
  if (registered === undefined) throw notFound(reference, loads.get(home));
  if (registered.reference.source_hash !== reference.source_hash) throw changed(reference, registered.reference);
  return registered.definition;
}

function loadOf(home: string, wanted: () => boolean): ModuleLoad {
  const known = loads.get(home);
  if (known !== undefined) return known;
  const previous = lastDecided;
  const load: ModuleLoad = {
    outcome: { exports: null, halted: null, error: undefined },
    settled: false,
    decided: previous.then(() => evaluate(load, home, wanted)),
  };
  loads.set(home, load);
  lastDecided = load.decided;
  return load;
}

async function evaluate(load: ModuleLoad, home: string, wanted: () => boolean): Promise<void> {
  const halt = Promise.withResolvers<void>();
  const stopListening = onHalted((call) => {
    // The first halt is the one that the evaluation met; others may follow from code that goes on beside it.
    if (load.outcome.halted === null) load.outcome = { ...load.outcome, halted: call };
    halt.resolve();
  });
  const settled = import(bundleOfHome(home) ?? home).then(
    (exports: Readonly<Record<string, unknown>>) => {
      load.settled = true;
      load.outcome = { ...load.outcome, exports };
    },
    (error: unknown) => {
      load.settled = true;
      load.outcome = { ...load.outcome, error: error ?? new Error("the module threw nothing") };
    },
  );
  const patience = waitAtMost(wanted);
  try {
    await Promise.race([settled, halt.promise, patience.over]);
    // A halted call need not be one that the evaluation waits for: let it settle if it goes on.
    if (!load.settled) await Promise.race([settled, macrotasks()]);
  } finally {
    patience.stop();
    stopListening();
    leaveShipped();
  }
}

/** Resolves when the evaluation has been given its time: less once the wanted function is there. */
function waitAtMost(wanted: () => boolean): { over: Promise<void>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let short: NodeJS.Timeout | undefined;
  const long = setTimeout(resolve, EVALUATION_LIMIT_MS);
  const look = (): void => {
    if (short === undefined && wanted()) short = setTimeout(resolve, PATIENCE_MS);
  };
  const stopListening = onDefined(look);
  look();
  return {
    over: promise,
    stop: () => {
      clearTimeout(long);
      clearTimeout(short);
      stopListening();
    },
  };
}

async function definedLater(reference: FunctionReference): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stopListening = onDefined(() => {
    if (findFunction(reference) !== undefined) resolve();
  });
  const timer = setTimeout(resolve, LATE_DEFINITION_MS);
  await promise;
  clearTimeout(timer);
  stopListening();
}

/** Two turns of the event loop: enough for code that only awaits settled promises. */
async function macrotasks(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function described(reference: FunctionReference): string {
  return `${reference.kind} "${reference.name}" (declared at ${reference.declared_at})`;
}

/** The error of a submit of a function that no other process can find. */
export function notPortable(reference: FunctionReference): SluiceError {
  return new SluiceError(
    "SLUICE_NOT_PORTABLE",
    `Expected a function that another thread or process can import, got the ${described(reference)}, which was made at run time. ` +
      `Declare it at the top level of a module, and pass what it closes over as arguments.`,
  );
}

function importFailed(reference: FunctionReference, cause: unknown): SluiceError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new SluiceError(
    "SLUICE_IMPORT_FAILED",
    `The module ${reference.home}, imported in a worker for the ${described(reference)}, failed: ${reason}. ` +
      `Its top level runs once in each worker; guard what must run only in the main program with \`if (import.meta.main)\`.`,
    { cause },
  );
}

function notFound(reference: FunctionReference, load: ModuleLoad | undefined): SluiceError {
  const halted = load?.outcome.halted ?? (load?.settled === true ? null : lastHalt);
  let reason =
    "the module was evaluated to its end without defining it; it may depend on arguments or the environment of the main program";
  if (halted !== null)
    reason = `the evaluation of its module halted before it, at the call of "${halted.name}" at ${halted.at}; declare it above that call`;
  else if (load?.settled !== true) reason = `the evaluation of its module still waits at a top-level await of its own`;
  return new SluiceError(
    "SLUICE_FUNCTION_NOT_FOUND",
    `Expected the ${described(reference)} in ${reference.home}, but ${reason}.`,
  );
}

function changed(reference: FunctionReference, found: FunctionReference): SluiceError {
  return new SluiceError(
    "SLUICE_FUNCTION_CHANGED",
    `Expected the ${described(reference)} with source ${reference.source_hash}, got one with source ${found.source_hash} at ${found.declared_at}: ` +
      `the file was edited since the program started, or several functions of this name are declared in an order that differs here. Start the program again, or give each its own name.`,
  );
}
