/**
 * Hashes values by their content: the identity of a child run inside its parent, and the INPUTS part of a cache key.
 *
 * Each value is written as a string that no other value can have (a tag, then a length or a terminator), and that string is digested.
 * What counts as equal:
 * - Primitives by `Object.is`, so `-0`, `NaN`, `1`, `1n` and `"1"` all differ. A hole of an array is not `undefined`, a missing key neither.
 * - The order of object keys, of Map entries and of Set members does not matter. A null prototype is the same as a plain object.
 * - Instances of classes by class name and own enumerable fields. A class with private fields, or one built into the runtime, hides its
 *   content: it counts by what its `toJSON()` returns, and is unhashable without one. Errors by class, name, message, cause, fields, not stack.
 * - A cycle by its distance to the ancestor that it refers to.
 *
 * Unhashable, because their content cannot be seen or is not a value: functions, symbols, symbol-keyed fields, promises, weak and shared
 * memory, sockets and other resources, values whose getter throws, structures deeper than the stack or written in more than 2^25 characters.
 */
import { hash } from "node:crypto";
import * as types from "node:util/types";
import { findRefused } from "./value-path.ts";
import type { ValuePath } from "./value-path.ts";

/** Hex digits kept of a SHA-256: 128 bits, so two of 10^15 values share a hash with a chance below 10^-8. Lower case suits any file system. */
const HASH_DIGITS = 32;

/** Strings longer than this enter by their digest, so that the written form of large arguments stays short. */
const LONG_STRING_CHARS = 4096;

/** Bound of the written form: a structure of shared parts can be exponentially larger written out than in memory. */
const MAX_WRITTEN_CHARS = 2 ** 25;

/** Any function; its arguments are not looked at. */
export type AnyFunction = (...args: never[]) => unknown;

/** Thrown inside this file only; `hashValue` turns it into `undefined`. */
class UnhashableError extends Error {}

/**
 * Hashes the arguments of a call by value.
 *
 * @returns 32 lower-case hexadecimal digits (128 bits), or undefined when an argument is unhashable (see the head of this file);
 *   {@link findUnhashable} then tells which
 */
export function hashArguments(args: readonly unknown[]): string | undefined {
  return hashValue(args);
}

/** Hashes any one value as {@link hashArguments} does for a list; `hashValue([a, b])` is `hashArguments([a, b])`. */
export function hashValue(value: unknown): string | undefined {
  try {
    return digest(write(value, []));
  } catch {
    // Whatever reading the value threw (a getter, a proxy, the stack's end), it has no content to go by: that is the answer, not a failure.
    return undefined;
  }
}

/**
 * Finds what makes a value unhashable.
 *
 * @param root how the value is called in the message: `args`, or a parameter's name
 * @returns the innermost part that cannot be hashed, such as `{ path: "args[0].socket", what: "an instance of Socket" }`, or undefined
 */
export function findUnhashable(value: unknown, root: string): ValuePath | undefined {
  return findRefused(value, root, (part) => hashValue(part) === undefined);
}

/** Hashes bytes, or the UTF-8 bytes of a string: 32 lower-case hexadecimal digits. */
export function hashBytes(bytes: Uint8Array | string): string {
  return hash("sha256", bytes, "hex").slice(0, HASH_DIGITS);
}

/**
 * Hashes the source of a function as the engine sees it (after type stripping), line endings aside.
 *
 * @param source the function, or its source text
 * @returns 32 lower-case hexadecimal digits; equal in every process that loads the same file with the same loader
 */
export function hashSource(source: string | AnyFunction): string {
  return hashBytes(String(source).replaceAll("\r\n", "\n"));
}

function digest(written: string): string {
  // UTF-8 has no form for half a surrogate pair and would write all of them alike. No well-formed text starts with these UTF-16 bytes,
  // since the second byte of a written value is never 0.
  return hashBytes(written.isWellFormed() ? written : Buffer.from(written, "utf16le"));
}

function write(value: unknown, ancestors: object[]): string {
  switch (typeof value) {
    case "string":
      return value.length > LONG_STRING_CHARS ? `S${value.length}:${digest(value)}` : `s${value.length}:${value}`;
    case "number":
      return Object.is(value, -0) ? "n-0;" : `n${value};`;
    case "boolean":
      return value ? "t;" : "f;";
    case "undefined":
      return "u;";
    case "bigint":
      return `b${value};`;
    case "object":
      return value === null ? "0;" : writeObject(value, ancestors);
    default:
      throw new UnhashableError();
  }
}

function writeObject(value: object, ancestors: object[]): string {
  const at = ancestors.lastIndexOf(value);
  if (at !== -1) return `r${ancestors.length - at};`;
  ancestors.push(value);
  const written = Array.isArray(value) ? writeArray(value, ancestors) : writeByPrototype(value, ancestors);
  ancestors.pop();
  if (written.length > MAX_WRITTEN_CHARS) throw new UnhashableError();
  return written;
}

function writeArray(value: readonly unknown[], ancestors: object[]): string {
  const { length } = value;
  let written = `a${length}[`;
  let holes = 0;
  for (let index = 0; index < length; index++) {
    const item = value[index];
    if (item === undefined && !(index in value)) {
      holes++;
      written += "h;";
    } else {
      written += write(item, ancestors);
      if (written.length > MAX_WRITTEN_CHARS) throw new UnhashableError();
    }
  }
  // Named properties of an array (the result of a regular expression has some) and subclasses of Array are rare: told apart by count.
  const keys = Object.keys(value);
  const named = keys.length === length - holes ? "" : writeFields(value, keys.slice(length - holes), ancestors);
  return `${written}]${named}${className(value, Array.prototype)}`;
}

function writeByPrototype(value: object, ancestors: object[]): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    if (types.isExternal(value)) throw new UnhashableError();
    return writeFields(value, Object.keys(value), ancestors);
  }
  return writeBuiltIn(value, ancestors) ?? writeInstance(value, ancestors);
}

function writeFields(value: object, keys: string[], ancestors: object[]): string {
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (Object.prototype.propertyIsEnumerable.call(value, symbol)) throw new UnhashableError();
  }
  let written = `o${keys.length}{`;
  for (const key of keys.length > 1 ? keys.toSorted() : keys) {
    const field: unknown = Reflect.get(value, key);
    written += `${key.length}:${key}${write(field, ancestors)}`;
    if (written.length > MAX_WRITTEN_CHARS) throw new UnhashableError();
  }
  return `${written}}`;
}

/** Writes the values that the language and the runtime define; undefined for an instance of any other class. */
function writeBuiltIn(value: object, ancestors: object[]): string | undefined {
  if (types.isDate(value)) return `d${value.getTime()};${rest(value, Date.prototype, ancestors)}`;
  if (types.isMap(value)) {
    const entries = Array.from(value, ([key, item]) => write(key, ancestors) + write(item, ancestors));
    return `m${entries.length}{${entries.toSorted().join("")}}${rest(value, Map.prototype, ancestors)}`;
  }
  if (types.isSet(value)) {
    const members = Array.from(value, (member) => write(member, ancestors));
    return `e${members.length}{${members.toSorted().join("")}}${rest(value, Set.prototype, ancestors)}`;
  }
  if (ArrayBuffer.isView(value)) {
    if (types.isSharedArrayBuffer(value.buffer)) throw new UnhashableError();
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `v${bytes.length}:${hashBytes(bytes)}${className(value, null)}`;
  }
  if (types.isArrayBuffer(value)) return `A${value.byteLength}:${hashBytes(new Uint8Array(value))}`;
  if (types.isRegExp(value))
    return `x${text(value.source)}${text(value.flags)}${rest(value, RegExp.prototype, ancestors)}`;
  if (value instanceof URL) return `U${text(value.href)}`;
  if (value instanceof URLSearchParams) return `Q${text(value.toString())}`;
  if (types.isBoxedPrimitive(value)) return `B${write(value.valueOf(), ancestors)}`;
  if (value instanceof Error) return writeError(value, ancestors);
  return undefined;
}

function writeError(value: Error, ancestors: object[]): string {
  const keys = Object.keys(value).filter((key) => !ERROR_FIELDS.has(key));
  const cause = "cause" in value ? write(value.cause, ancestors) : "-";
  const errors = "errors" in value ? write(value.errors, ancestors) : "-";
  const head = `E${text(value.name)}${text(value.message)}${cause}${errors}`;
  return `${head}${writeFields(value, keys, ancestors)}${className(value, Error.prototype)}`;
}

const ERROR_FIELDS: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "errors"]);

function writeInstance(value: object, ancestors: object[]): string {
  const name = className(value, null);
  if (!hidesContent(Object.getPrototypeOf(value)))
    return `c${name}${writeFields(value, Object.keys(value), ancestors)}`;
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const json: unknown = value.toJSON();
    return `j${name}${write(json, ancestors)}`;
  }
  throw new UnhashableError();
}

/** Own fields and class of a value whose content is written already: nothing for the usual case, an instance of the base class itself. */
function rest(value: object, prototype: object, ancestors: object[]): string {
  const keys = Object.keys(value);
  return (keys.length === 0 ? "" : writeFields(value, keys, ancestors)) + className(value, prototype);
}

/** The class of a value in a form that ends itself; nothing when its prototype is `expected`. */
function className(value: object, expected: object | null): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === expected) return "";
  const { constructor } = value;
  return `C${text(typeof constructor === "function" ? constructor.name : "")}`;
}

function text(value: string): string {
  return `${value.length}:${value}`;
}

/** Whether instances with this prototype keep content where `Object.keys` does not show it. */
const hiding = new WeakMap<object, boolean>([[Object.prototype, false]]);

function hidesContent(prototype: object | null): boolean {
  if (prototype === null) return false;
  const known = hiding.get(prototype);
  if (known !== undefined) return known;
  const own = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value as unknown;
  const hides =
    typeof own !== "function" ||
    PRIVATE_OR_NATIVE.test(Function.prototype.toString.call(own)) ||
    hidesContent(Object.getPrototypeOf(prototype));
  hiding.set(prototype, hides);
  return hides;
}

/** The source of a class with a private name, or of one that the engine implements. A private name in a comment errs on the safe side. */
const PRIVATE_OR_NATIVE = /#[\p{ID_Start}$_]|\[native code\]\s*\}$/u;
