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
  return typeof key === "string"
    ? quote(key)
    : typeof key === "object" || typeof key === "function"
      ? describeValue(key)
      : String(key);
}

function quote(text: string): string {
  return JSON.stringify(text.length > QUOTED_CHARS ? `${text.slice(0, QUOTED_CHARS)}…` : text);
}
