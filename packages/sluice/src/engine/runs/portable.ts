import { SluiceError } from "../../wire/errors.ts";
import type { Definition } from "../definition.ts";
import { notPortable } from "../functions/load-function.ts";

/** Options that concern the near side alone and so need not travel. */
const NEAR_SIDE_OPTIONS = new Set([
  "name",
  "taskRunner",
  "waitFor",
  "key",
  "graceMs",
  "taskRunName",
  "flowRunName",
  "dask",
  "ray",
]);

/**
 * Gives the options that travel with a submitted run, on top of those the function was declared with.
 *
 * @throws SluiceError SLUICE_NOT_PORTABLE when the function was made at run time, or when an option given by `with()` at run time is not plain data
 */
export function portableOverrides(definition: Definition): Readonly<Record<string, unknown>> {
  const { reference, kind, name } = definition;
  if (reference.home === null && definition.python === null) {
    throw notPortable(reference);
  }
  const travelling: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(definition.overrides)) {
    if (NEAR_SIDE_OPTIONS.has(option) || value === undefined) continue;
    if (!isPlainData(value)) {
      throw new SluiceError(
        "SLUICE_NOT_PORTABLE",
        `The option "${option}" given to ${kind} "${name}" by with() is not plain data and cannot travel to another thread or process. ` +
          `Give it where the ${kind} is defined, at the top level of its module.`,
      );
    }
    travelling[option] = value;
  }
  return travelling;
}

function isPlainData(value: unknown): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.every(isPlainData);
  if (typeof value === "object") {
    const prototype: unknown = Object.getPrototypeOf(value);
    return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlainData);
  }
  return typeof value !== "function" && typeof value !== "symbol";
}
