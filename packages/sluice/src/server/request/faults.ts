import type { Fault } from "../api-reply.ts";
import { sayBadUuid, sayingOf } from "./sayings.ts";

/** Most faults told of one request. */
const MAX_FAULTS = 20;

/** A fault as the schema library tells it. */
interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** Says that something is not there that must be. */
export function missing(loc: readonly (string | number)[], input: unknown): Fault {
  return { type: "missing", loc, msg: "Field required", input };
}

/** Says that a value breaks a rule that no schema states. */
export function valueFault(loc: readonly (string | number)[], reason: string, input: unknown): Fault {
  return { type: "value_error", loc, msg: `Value error, ${reason}`, input, ctx: { error: {} } };
}

/**
 * Makes the contract's faults of the schema library's: one for each place, the deepest ones first.
 *
 * @param input the value as it was given, from which each fault shows its part
 * @param root where the value stands in the request
 */
export function faultsOf(errors: readonly SchemaError[], input: unknown, root: readonly string[]): Fault[] {
  const faults = new Map<string, Fault>();
  const told = errors.filter((error) => !isNoise(error, errors));
  for (const error of told.slice(0, MAX_FAULTS)) {
    const steps = stepsOf(error.instancePath);
    for (const fault of faultsAt(error, steps, partOf(input, steps))) {
      const key = JSON.stringify(fault.loc);
      if (!faults.has(key)) faults.set(key, { ...fault, loc: [...root, ...fault.loc] });
    }
  }
  return [...faults.values()];
}

/** Of "this or null" only the "this" is told; a union is told only when nothing deeper is. */
function isNoise({ keyword, instancePath, message }: SchemaError, all: readonly SchemaError[]): boolean {
  if (keyword === "boolean" || keyword === "$ref") return true;
  if (keyword === "anyOf" || keyword === "oneOf")
    return all.some((other) => other.keyword !== keyword && other.instancePath.startsWith(instancePath));
  if (keyword !== "type" || message !== "must be null") return false;
  return all.some(
    (other) =>
      other.message !== "must be null" && other.keyword !== "anyOf" && other.instancePath.startsWith(instancePath),
  );
}

function faultsAt(error: SchemaError, steps: readonly (string | number)[], input: unknown): Fault[] {
  const listed = Object.values(error.params).find((value): value is string[] => Array.isArray(value)) ?? [];
  if (error.keyword === "required") return listed.map((name) => missing([...steps, name], input));
  if (error.keyword === "additionalProperties") {
    return listed.map((name) => ({
      type: "extra_forbidden",
      loc: [...steps, name],
      msg: "Extra inputs are not permitted",
      input: partOf(input, [name]),
    }));
  }
  const isBadUuid = error.keyword === "format" && "format" in error.params && error.params.format === "uuid";
  const saying = isBadUuid && typeof input === "string" ? sayBadUuid(input) : sayingOf(error);
  return [{ ...saying, loc: steps, input }];
}

function stepsOf(path: string): (string | number)[] {
  return path
    .split("/")
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll("~1", "/").replaceAll("~0", "~")));
}

function partOf(value: unknown, steps: readonly (string | number)[]): unknown {
  let part = value;
  for (const step of steps) {
    if (typeof part !== "object" || part === null) return null;
    part = Object.getOwnPropertyDescriptor(part, step)?.value ?? null;
  }
  return part;
}
