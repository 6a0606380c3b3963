import { createHash } from "node:crypto";
import { isObject } from "../check-records.ts";
import { writePythonJson } from "./python-json.ts";

/** Fields of a block schema: a JSON schema with `definitions`, `block_schema_references` and `secret_fields`. */
export type SchemaFields = Readonly<Record<string, unknown>>;

/**
 * Makes the checksum by which clients find a block schema again: SHA-256 over its fields without the names of its secrets, and without the definitions of
 * other blocks, which have checksums of their own.
 *
 * @param fields with numbers as they were written, see `readKeepingNumbers`
 * @param definitions those of the schema that this one is nested in; its own when left out
 */
export function blockChecksum(fields: SchemaFields, definitions: unknown = fields["definitions"]): string {
  const { definitions: _, ...rest } = withoutSecretNames(fields);
  const kept = isObject(definitions) ? plainDefinitions(rest, definitions) : {};
  const counted = Object.keys(kept).length > 0 ? { ...rest, definitions: withoutSecretNames(kept) } : rest;
  const text = writePythonJson([[counted], {}]);
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

function withoutSecretNames(value: SchemaFields): Record<string, unknown> {
  const entries = Object.entries(value).flatMap(([name, one]) =>
    name === "secret_fields" ? [] : [[name, cleaned(one)] as const],
  );
  return Object.fromEntries(entries);
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  return isPlain(value) ? withoutSecretNames(value) : value;
}

/** Numbers that kept their text are objects too, of a class of their own. */
function isPlain(value: unknown): value is SchemaFields {
  return isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
}

/** The definitions that a schema leads to and that are no blocks, by name. */
export function plainDefinitions(schema: unknown, definitions: SchemaFields): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of referencesIn(schema)) {
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (!isObject(definition) || isBlock(definition) || Object.hasOwn(found, name)) continue;
    found[name] = definition;
    Object.assign(found, plainDefinitions(definition, withoutName(definitions, name)));
  }
  return found;
}

function isBlock(definition: SchemaFields): boolean {
  const slug = definition["block_type_slug"];
  return slug !== undefined && slug !== null;
}

function withoutName(definitions: SchemaFields, name: string): SchemaFields {
  const { [name]: _, ...rest } = definitions;
  return rest;
}

/** Names of the definitions that a schema refers to, in the order in which they stand. */
export function referencesIn(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(referencesIn);
  if (!isPlain(schema)) return [];
  return Object.entries(schema).flatMap(([name, value]) => {
    if (name === "$ref" && typeof value === "string") return [value.replace("#/definitions/", "")];
    return referencesIn(value);
  });
}
