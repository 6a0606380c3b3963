import { hash } from "node:crypto";
import { SluiceError } from "../../wire/errors.ts";
import type { FunctionReference } from "../../wire/run-spec.ts";
import { bundleOfHome, shippedHash } from "./shipped-modules.ts";
import { findSourceHome } from "./source-home.ts";

/**
 * The functions that flows and tasks were made of, by the reference another process finds them by.
 *
 * A reference is (home module, kind, name, ordinal among equals) and is guarded by a hash of the source: without the hash, a reference that
 * another loader resolves differently would silently run another function. The registry is kept on `globalThis`, so that two copies of the package
 * in one process (ESM and CommonJS, sources and compiled) share it. Functions without a home are not kept: nothing can ask for them.
 */
export interface RegisteredFunction {
  readonly reference: FunctionReference;
  /** What the layer above made of the function: the callable flow or task. */
  readonly definition: unknown;
}

/** What {@link defineFunction} needs to know of a declaration. */
export interface FunctionDeclaration {
  readonly fn: CallableFunction;
  /** As declared; not empty. */
  readonly name: string;
  readonly kind: "flow" | "task";
  /** Handed back by {@link findFunction}; opaque here. */
  readonly definition: unknown;
  /** Home module given by the user (`import.meta.url`), where the stack cannot tell it. */
  readonly home?: string;
}

interface FlowSource {
  readonly hash: string;
  readonly declaredAt: string;
}

interface Registry {
  readonly functions: Map<string, RegisteredFunction>;
  /** Ordinals given out, by evaluation (URL with query), kind and name. */
  readonly ordinals: Map<string, number>;
  /** Source hash of the flow of a name, by evaluation and name. */
  readonly flowSources: Map<string, FlowSource>;
  readonly listeners: Set<(registered: RegisteredFunction) => void>;
  /** When each home last defined a function, in milliseconds since the epoch. */
  readonly definedAt: Map<string, number>;
}

const KEY = Symbol.for("sluice.registry");
/** 96 bits: two sources of one name in one module never collide by accident. */
const HASH_LENGTH = 24;

/** Shared by all copies of the package in this process. */
const registry = sharedRegistry();

/**
 * Registers a flow or task and gives the reference by which another process finds it.
 *
 * The home is the module that is being evaluated; a function declared while no module is (inside a running flow, an async callback) gets `home: null`
 * and cannot travel. Equal names in one module are told apart by their order.
 *
 * @throws SluiceError `SLUICE_DUPLICATE_NAME` for a second flow of one name, made of another source, in one module: its runs, deployments and command line could not be told apart
 */
export function defineFunction(declaration: FunctionDeclaration): FunctionReference {
  const { kind, name } = declaration;
  const found = findSourceHome(defineFunction);
  const home = declaration.home === undefined ? found.home : withoutQuery(declaration.home);
  const evaluation = declaration.home ?? found.evaluation;
  let sourceHash = hash("sha256", declaration.fn.toString()).slice(0, HASH_LENGTH);
  if (home === null || evaluation === null) {
    return { home: null, kind, name, ordinal: 0, source_hash: sourceHash, declared_at: found.declaredAt };
  }
  registry.definedAt.set(home, Date.now());
  if (kind === "flow") refuseOtherFlow(evaluation, name, { hash: sourceHash, declaredAt: found.declaredAt });
  const counter = `${evaluation}\n${kind}\n${name}`;
  const ordinal = registry.ordinals.get(counter) ?? 0;
  registry.ordinals.set(counter, ordinal + 1);
  // In a bundle the text is not the one that the flow's author has.
  sourceHash = shippedHash(keyOf({ home, kind, name, ordinal })) ?? sourceHash;
  const bundle = bundleOfHome(home);
  const reference = {
    home,
    kind,
    name,
    ordinal,
    source_hash: sourceHash,
    declared_at: found.declaredAt,
    ...(bundle !== undefined && { bundle }),
  };
  const registered = { reference, definition: declaration.definition };
  registry.functions.set(keyOf(reference), registered);
  for (const listener of registry.listeners) listener(registered);
  return reference;
}

/** Gives the function of this reference as this process knows it, whatever its source hash; undefined when its module has not defined it (yet). */
export function findFunction(reference: FunctionReference): RegisteredFunction | undefined {
  return registry.functions.get(keyOf(reference));
}

/** Lists what a module has defined so far, in order of declaration. */
export function functionsOf(home: string): readonly RegisteredFunction[] {
  const url = withoutQuery(home);
  return [...registry.functions.values()].filter((registered) => registered.reference.home === url);
}

/** When a module last defined a function here, in milliseconds since the epoch; undefined when it never did. */
export function definedAtMs(home: string): number | undefined {
  return registry.definedAt.get(withoutQuery(home));
}

/** Calls back at each function defined from now on. Returns the function that ends it. */
export function onDefined(listener: (registered: RegisteredFunction) => void): () => void {
  registry.listeners.add(listener);
  return () => registry.listeners.delete(listener);
}

function refuseOtherFlow(evaluation: string, name: string, source: FlowSource): void {
  const key = `${evaluation}\n${name}`;
  const earlier = registry.flowSources.get(key);
  if (earlier !== undefined && earlier.hash !== source.hash) {
    throw new SluiceError(
      "SLUICE_DUPLICATE_NAME",
      `Expected one flow named "${name}" in a module, got a second one at ${source.declaredAt}; the first is at ${earlier.declaredAt}. Give one of them another name.`,
    );
  }
  registry.flowSources.set(key, earlier ?? source);
}

function keyOf(reference: Pick<FunctionReference, "home" | "kind" | "name" | "ordinal">): string {
  return `${reference.home}\n${reference.kind}\n${reference.name}\n${reference.ordinal}`;
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "");
}

function sharedRegistry(): Registry {
  // The symbol is registered by this package alone, and every copy stores this shape under it.
  const holder = globalThis as { [KEY]?: Registry };
  return (holder[KEY] ??= {
    functions: new Map(),
    ordinals: new Map(),
    flowSources: new Map(),
    listeners: new Set(),
    definedAt: new Map(),
  });
}
