import { isObject } from "../check-records.ts";
import type { ValueFault } from "./json-schema.ts";

/** A fault as the schema library tells it. */
interface LibraryFault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: object;
}

/** What was checked by what. */
interface Checked {
  readonly value: unknown;
  readonly schema: unknown;
}

/** Tells a fault in the words of Python's `jsonschema`; none for those that only lead to others. */
export function describeFault(fault: LibraryFault, checked: Checked): ValueFault[] {
  const { keyword, instancePath, schemaPath } = fault;
  // What stands inside a choice is told by the choice itself.
  if (keyword === "boolean" || keyword === "$ref" || /\/(?:anyOf|oneOf)\/\d+(?:\/|$)/.test(schemaPath)) return [];
  const path = stepsOf(instancePath);
  const instance = partOf(checked.value, path);
  const told = new Map<string, unknown>(Object.entries(fault.params));
  const say = (message: string): ValueFault => ({ path, keyword, message });
  const limit = told.get("limit");
  const shown = pythonText(instance);
  switch (keyword) {
    case "required": {
      const names = told.get("requiredProperties");
      return (Array.isArray(names) ? names : []).map((name) => say(`'${String(name)}' is a required property`));
    }
    case "additionalProperties": {
      const names = told.get("additionalProperties");
      const listed = (Array.isArray(names) ? names : []).map((name) => `'${String(name)}'`);
      const verb = listed.length === 1 ? "was" : "were";
      return [say(`Additional properties are not allowed (${listed.join(", ")} ${verb} unexpected)`)];
    }
    case "type":
      return [say(`${shown} is not of type ${typeWords(told.get("type"))}`)];
    case "anyOf":
    case "oneOf":
      return [say(`${shown} is not valid under any of the given schemas`)];
    case "enum":
      return [say(`${shown} is not one of ${pythonText(told.get("allowedValues"))}`)];
    case "const":
      return [say(`${pythonText(told.get("allowedValue"))} was expected`)];
    case "pattern":
      return [say(`${shown} does not match '${String(told.get("pattern"))}'`)];
    case "format":
      return [say(`${shown} is not a '${String(told.get("format"))}'`)];
    case "minimum":
      return [say(`${shown} is less than the minimum of ${String(limit)}`)];
    case "maximum":
      return [say(`${shown} is greater than the maximum of ${String(limit)}`)];
    case "exclusiveMinimum":
      return [say(`${shown} is less than or equal to the minimum of ${String(limit)}`)];
    case "exclusiveMaximum":
      return [say(`${shown} is greater than or equal to the maximum of ${String(limit)}`)];
    case "minLength":
    case "minItems":
      return [say(`${shown} is too short`)];
    case "maxLength":
    case "maxItems":
      return [say(`${shown} is too long`)];
    case "uniqueItems":
      return [say(`${shown} has non-unique elements`)];
    case "multipleOf":
      return [say(`${shown} is not a multiple of ${String(told.get("multipleOf"))}`)];
    default:
      return [say(`${shown} does not fit ${keyword}`)];
  }
}

function typeWords(type: unknown): string {
  return (Array.isArray(type) ? type : [type]).map((one) => `'${String(one)}'`).join(", ");
}

/** A JSON value as Python shows it. */
export function pythonText(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string")
    return value.includes("'") && !value.includes('"') ? `"${value}"` : `'${value.replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(pythonText).join(", ")}]`;
  if (isObject(value))
    return `{${Object.entries(value)
      .map(([name, one]) => `${pythonText(name)}: ${pythonText(one)}`)
      .join(", ")}}`;
  return JSON.stringify(value);
}

function stepsOf(path: string): (string | number)[] {
  return path
    .split("/")
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll("~1", "/").replaceAll("~0", "~")));
}

function partOf(value: unknown, path: readonly (string | number)[]): unknown {
  let part = value;
  for (const step of path) {
    if (typeof part !== "object" || part === null) return undefined;
    part = Object.getOwnPropertyDescriptor(part, step)?.value;
  }
  return part;
}
