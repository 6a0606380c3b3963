import type { JsonSchema } from "../../wire/routes.ts";
import { isoToMicros, microsToIso } from "../../wire/timestamp.ts";
import { canonicalId, isUuid } from "./match-route.ts";

/** Numbers of more than this as instants are milliseconds, as the contract reads them. */
const MOST_SECONDS = 2e10;

/** Finds the schema behind `#/$defs/<name>`. */
export type FindSchema = (name: string) => JsonSchema | undefined;

/**
 * Reads values as leniently as the contract does: numbers and truth written as text, instants as seconds, UUIDs in capitals or without dashes, sets with repeated members.
 *
 * Returns the value as the schema wants it, as far as that is possible; what does not fit stays as it was, for the check to refuse.
 */
export function coerce(value: unknown, schema: JsonSchema, find: FindSchema): unknown {
  const { $ref: reference, anyOf, type, format } = schema;
  if (typeof reference === "string") {
    const target = find(reference.slice("#/$defs/".length));
    return target ? coerce(value, target, find) : value;
  }
  if (Array.isArray(anyOf)) return coerceUnion(value, anyOf, find);
  if (typeof value === "string") return coerceText(value, type, format);
  if (typeof value === "number") return coerceNumber(value, type, format);
  if (Array.isArray(value)) {
    const { items, uniqueItems } = schema;
    const read = isSchema(items) ? value.map((one: unknown) => coerce(one, items, find)) : value;
    return uniqueItems === true ? [...new Map(read.map((one) => [JSON.stringify(one), one])).values()] : read;
  }
  return typeof value === "object" && value !== null ? coerceObject(value, schema, find) : value;
}

function coerceText(value: string, type: unknown, format: unknown): unknown {
  if (type === "integer" && /^\s*[+-]?\d{1,15}(?:\.0+)?\s*$/.test(value)) return Number(value);
  if (type === "number" && value.trim() !== "" && Number.isFinite(Number(value))) return Number(value);
  if (type === "boolean") return coerceTruth(value.toLowerCase());
  if (format === "uuid" && isUuid(value)) return canonicalId(value);
  if (format === "date-time" && isoToMicros(value) === undefined) return dateOf(value);
  return value;
}

/** A day alone is its first instant, a number as text counts seconds. */
function dateOf(value: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(value)) return `${value}T00:00:00Z`;
  const loose = value.replace(" ", "T");
  return isoToMicros(loose) === undefined ? value : loose;
}

function coerceNumber(value: number, type: unknown, format: unknown): unknown {
  if (format === "date-time") {
    const seconds = Math.abs(value) > MOST_SECONDS ? value / 1000 : value;
    return microsToIso(Math.round(seconds * 1e6));
  }
  if (format === "duration") return durationOf(value);
  return type === "boolean" && (value === 0 || value === 1) ? value === 1 : value;
}

function durationOf(seconds: number): string {
  return `${seconds < 0 ? "-" : ""}PT${Math.abs(seconds)
    .toFixed(6)
    .replace(/\.?0+$/, "")}S`;
}

function coerceTruth(text: string): unknown {
  if (["1", "true", "t", "yes", "y", "on"].includes(text)) return true;
  return ["0", "false", "f", "no", "n", "off"].includes(text) ? false : text;
}

function coerceUnion(value: unknown, members: readonly unknown[], find: FindSchema): unknown {
  const schemas = members.filter((one) => isSchema(one));
  if (value === null && schemas.some((one) => one["type"] === "null")) return null;
  // Of several shapes one is known to be meant when it alone has all that it needs; else only a plain "this or null" is read leniently.
  const others = schemas.filter((one) => one["type"] !== "null");
  const meant = others.length === 1 ? others : others.filter((one) => isMeant(value, one, find));
  const [only] = meant;
  return meant.length === 1 && only ? coerce(value, only, find) : value;
}

function isMeant(value: unknown, schema: JsonSchema, find: FindSchema): boolean {
  const { $ref: reference } = schema;
  const target = typeof reference === "string" ? find(reference.slice("#/$defs/".length)) : schema;
  const needed = target?.["required"];
  const properties = target?.["properties"];
  const word = isSchema(properties) ? properties["type"] : undefined;
  // A shape that names itself is the one that is meant.
  const named =
    typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, "type")?.value : undefined;
  if (isSchema(word) && typeof word["const"] === "string" && named !== undefined) return word["const"] === named;
  if (typeof value !== "object" || value === null || !Array.isArray(needed) || needed.length === 0) return false;
  return needed.every((name) => typeof name === "string" && Object.hasOwn(value, name));
}

function coerceObject(value: object, schema: JsonSchema, find: FindSchema): unknown {
  const { properties, additionalProperties } = schema;
  const known = isSchema(properties) ? properties : {};
  const rest = isSchema(additionalProperties) ? additionalProperties : undefined;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]: [string, unknown]) => {
      const own = Object.hasOwn(known, name) ? known[name] : rest;
      return [name, isSchema(own) ? coerce(one, own, find) : one];
    }),
  );
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
