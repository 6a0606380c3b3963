import { serialize } from "node:v8";
import { SluiceError } from "../../wire/errors.ts";
import { findRefused } from "./value-path.ts";
import type { ValuePath } from "./value-path.ts";

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
