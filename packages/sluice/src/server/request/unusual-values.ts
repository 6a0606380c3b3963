/** Values that JSON can spell and that cannot be kept, or that would be dangerous as parts of objects. */
import type { Fault } from "../api-reply.ts";

/**
 * Tells what is wrong with a parsed value: text that no database keeps (NUL, unpaired surrogates), numbers beyond the largest, and names that change an
 * object's prototype when code copies them carelessly (`__proto__`, and a `prototype` inside a `constructor`).
 *
 * A name `constructor` by itself is data like any other.
 */
export function faultOfUnusual(value: unknown): Fault | undefined {
  if (typeof value === "string") return isStorable(value) ? undefined : unstorable();
  if (typeof value === "number") return Number.isFinite(value) ? undefined : tooLarge();
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return firstFault(value);
  for (const [name, inner] of Object.entries(value) as [string, unknown][]) {
    if (name === "__proto__" || (name === "constructor" && holdsPrototype(inner))) return prototypeName(name);
    const fault = (isStorable(name) ? undefined : unstorable()) ?? faultOfUnusual(inner);
    if (fault) return fault;
  }
  return undefined;
}

/** The value with the replacement character in its texts for what no database keeps (NUL, unpaired surrogates). */
export function storable(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]: [string, unknown]) => [storableText(name), storable(inner)]),
  );
}

function storableText(text: string): string {
  return isStorable(text) ? text : text.toWellFormed().replaceAll("\0", "\uFFFD");
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

function firstFault(values: readonly unknown[]): Fault | undefined {
  for (const value of values) {
    const fault = faultOfUnusual(value);
    if (fault) return fault;
  }
  return undefined;
}

function holdsPrototype(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

function unstorable(): Fault {
  return { type: "string_unicode", loc: ["body"], msg: "Text must not hold NUL or unpaired surrogates" };
}

function tooLarge(): Fault {
  return { type: "finite_number", loc: ["body"], msg: "Input should be a finite number" };
}

function prototypeName(name: string): Fault {
  return { type: "json_invalid", loc: ["body", name], msg: `The name ${name} is not taken in JSON` };
}
