import { isAnyArrayBuffer, isBoxedPrimitive, isDate, isExternal, isMap, isRegExp, isSet } from "node:util/types";
import { serialize } from "node:v8";
import { SluiceError } from "../../wire/errors.ts";
import { childrenOf, describeValue, findRefused, type ValueChild, type ValuePath } from "./value-path.ts";

/**
 * Finds what structured clone refuses in a value: functions, symbols, promises, sockets and the like.
 *
 * Costs about one clone for each level down to the culprit, so it is called after a clone has failed.
 *
 * @param rootName how the value is called: `args`, `result`
 * @returns such as `{ path: "args[0].socket", what: "an instance of Socket" }`; undefined when the value can be cloned
 */
export function findUnserializable(value: unknown, rootName: string): ValuePath | undefined {
  return (
    findRefused(value, rootName, (part) => isRefused(part, serialize)) ??
    // What goes to a thread is cloned, which refuses more: a URL, a server.
    findRefused(value, rootName, (part) => isRefused(part, structuredClone))
  );
}

/**
 * Makes the error for a value that could not be cloned, naming the part that is to blame.
 *
 * @param rootName how the value is called: `args`, `result`
 * @param cause what the clone threw
 * @returns a SluiceError `SLUICE_NOT_SERIALIZABLE`
 */
export function notSerializableError(value: unknown, rootName: string, cause?: unknown): SluiceError {
  const found = findUnserializable(value, rootName) ?? { path: rootName, what: "a value that cannot be cloned" };
  return new SluiceError(
    "SLUICE_NOT_SERIALIZABLE",
    `${found.path} is ${found.what}, which can neither go to another thread or process nor be stored. Expected data that structured clone takes: ` +
      "plain objects, arrays, Map, Set, Date, typed arrays. Pass what it is made from (an address, a path, an id) and make it where it is used.",
    cause === undefined ? undefined : { cause },
  );
}

/** Parts of a value that {@link refuseEmptied} looks at. */
const MOST_LOOKED_AT = 1000;

/**
 * Refuses an object whose copy would be empty without an error: a URL, Headers or an AbortSignal in a process, and everywhere an instance of a class that has
 * only private fields. Looks at the first 1,000 parts.
 *
 * @param rootName how the value is called: `args`, `result`
 * @throws SluiceError `SLUICE_NOT_SERIALIZABLE` that names the part
 */
export function refuseEmptied(value: unknown, rootName: string): void {
  if (typeof value !== "object" || value === null) return;
  const seen = new Set<unknown>();
  const parts: ValueChild[] = [{ path: rootName, value }];
  for (let at = 0; at < parts.length && at < MOST_LOOKED_AT; at++) {
    const part = parts[at];
    if (part === undefined || typeof part.value !== "object" || part.value === null || seen.has(part.value)) continue;
    if (isEmptied(part.value)) throw emptiedError(part);
    seen.add(part.value);
    if (parts.length < MOST_LOOKED_AT) parts.push(...childrenOf(beginningOf(part.value), part.path).filter(isHolder));
  }
}

function isHolder({ value }: ValueChild): boolean {
  return typeof value === "object" && value !== null;
}

/** The first parts of a list: all others would be listed for nothing. */
function beginningOf(value: object): object {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value.length > MOST_LOOKED_AT ? value.slice(0, MOST_LOOKED_AT) : value;
    return items.some((item) => typeof item === "object") ? items : [];
  }
  if (isMap(value) && value.size > MOST_LOOKED_AT) return new Map(Iterator.from(value).take(MOST_LOOKED_AT));
  if (isSet(value) && value.size > MOST_LOOKED_AT) return new Set(Iterator.from(value).take(MOST_LOOKED_AT));
  return value;
}

function isEmptied(value: object): boolean {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of whatever realm, or one without a prototype.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return false;
  return Object.keys(value).length === 0 && !isCopied(value);
}

/** What a clone copies by its inside, not by its fields. What it refuses is told by the clone. */
function isCopied(value: object): boolean {
  return (
    value instanceof Error ||
    isDate(value) ||
    isRegExp(value) ||
    isMap(value) ||
    isSet(value) ||
    isAnyArrayBuffer(value) ||
    isBoxedPrimitive(value) ||
    isExternal(value) ||
    isRefused(value, serialize)
  );
}

function emptiedError({ path, value }: ValueChild): SluiceError {
  return new SluiceError(
    "SLUICE_NOT_SERIALIZABLE",
    `${path} is ${describeValue(value)} without a field of its own: its copy in another process, or in a store, would be empty. ` +
      "Pass what it is made from (a text, an address, plain fields) and make it where it is used.",
  );
}

function isRefused(value: unknown, copy: (part: unknown) => unknown): boolean {
  if (typeof value === "function" || typeof value === "symbol") return true;
  if (typeof value !== "object" || value === null) return false;
  try {
    copy(value);
    return false;
  } catch {
    // Why it was refused is what is being looked for, one level further down.
    return true;
  }
}
