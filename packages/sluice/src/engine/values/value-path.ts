import { EventEmitter } from "node:events";

/** Where a part of a value was found, as code would reach it, and what it is in words. */
export interface ValuePath {
  /** Such as `args[0].handlers[3]`, `result.cache.get("a")`. */
  readonly path: string;
  /** Such as `a function named "onData"`, `an instance of Socket`. */
  readonly what: string;
}

/** A part of a value and the path to it. */
export interface ValueChild {
  readonly path: string;
  readonly value: unknown;
}

/** Longest text of a Map key or a function's name that a path quotes, in characters. */
const QUOTED_CHARS = 40;

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/**
 * Lists the parts of a value: items, own enumerable fields, Map keys and values, Set members, the cause of an error.
 *
 * A field whose getter throws is left out: it has no value to look at.
 */
export function childrenOf(value: unknown, path: string): ValueChild[] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  const children: ValueChild[] = [];
  if (value instanceof Map) {
    for (const [key, item] of value) {
      children.push(
        { path: `${path}.keys(${quoteKey(key)})`, value: key },
        { path: `${path}.get(${quoteKey(key)})`, value: item },
      );
    }
  } else if (value instanceof Set) {
    for (const member of value) children.push({ path: `${path}.values()[${children.length}]`, value: member });
  } else if (value instanceof Error && value.cause !== undefined) {
    children.push({ path: `${path}.cause`, value: value.cause });
  }
  for (const key of Object.keys(value)) {
    const field = readField(value, key);
    if (field !== undefined) children.push({ path: path + accessor(key, Array.isArray(value)), value: field.value });
  }
  return children;
}

/** Says in a few words what a value is, for the middle of a sentence. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") return value.name === "" ? "a function" : `a function named ${quote(value.name)}`;
  if (typeof value === "symbol") return `a symbol (${String(value).slice(0, QUOTED_CHARS)})`;
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const constructor = readField(value, "constructor")?.value;
  const name = typeof constructor === "function" ? constructor.name : "";
  return name === "" || name === "Object" ? "an object" : `an instance of ${name}`;
}

/**
 * Finds the part of a value that something refuses, and the path to it.
 *
 * Looks only into parts that are refused as a whole. A resource of the runtime (socket, stream, server: any EventEmitter or EventTarget) is named
 * itself, not its inside. Copes with cycles; levels beyond 500 are not looked into.
 *
 * @param root how the value is called: `args`, `result`, a parameter's name
 * @param refuses true for what is refused, parts included; must not throw
 * @returns undefined when the value is accepted
 */
export function findRefused(value: unknown, root: string, refuses: (part: unknown) => boolean): ValuePath | undefined {
  const seen = new Set<unknown>();
  // A plain container is seldom refused for itself, so another part is taken first: inside a cycle each refused part refers to the others.
  let container: ValuePath | undefined;

  function visit(part: unknown, path: string): ValuePath | undefined {
    if (seen.has(part) || !refuses(part)) return undefined;
    seen.add(part);
    if (!(part instanceof EventEmitter || part instanceof EventTarget) && path.length < MAX_PATH_CHARS) {
      for (const child of childrenOf(part, path)) {
        const found = visit(child.value, child.path);
        if (found !== undefined) return found;
      }
    }
    const here = { path, what: describeValue(part) };
    if (!isContainer(part)) return here;
    container ??= here;
    return undefined;
  }

  return visit(value, root) ?? container;
}

/** Each level adds 2 characters or more, so this bounds the depth. */
const MAX_PATH_CHARS = 1000;

function isContainer(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value) || value instanceof Map || value instanceof Set || value instanceof Error) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function readField(value: object, key: string): { readonly value: unknown } | undefined {
  try {
    return { value: Reflect.get(value, key) as unknown };
  } catch {
    // A getter of the user's code failed; a path is only ever made for a message, which must not fail in turn.
    return undefined;
  }
}

function accessor(key: string, isArray: boolean): string {
  if (isArray && /^\d+$/.test(key)) return `[${key}]`;
  return IDENTIFIER.test(key) ? `.${key}` : `[${quote(key)}]`;
}

function quoteKey(key: unknown): string {
  if (typeof key === "string") return quote(key);
  return typeof key === "number" || typeof key === "boolean" || typeof key === "bigint"
    ? String(key)
    : describeValue(key);
}

function quote(text: string): string {
  return JSON.stringify(text.length > QUOTED_CHARS ? `${text.slice(0, QUOTED_CHARS)}…` : text);
}
