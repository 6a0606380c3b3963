/**
 * Checks values by a JSON schema that a user gave: parameters by the schema of a deployment, job variables by that of a work pool.
 *
 * References lead only into the schema itself; nothing is ever fetched. Faults are told in the words of Python's `jsonschema`, which clients show.
 */
import { Compile } from "typebox/schema";
import { isObject } from "../check-records.ts";
import { describeFault } from "./schema-words.ts";

/** A JSON schema of an object. */
export type ObjectSchema = Readonly<Record<string, unknown>>;

/** What is wrong with a value. */
export interface ValueFault {
  /** From the root to the value. */
  readonly path: readonly (string | number)[];
  readonly keyword: string;
  readonly message: string;
}

/** A schema that cannot be used: it refers to itself without end, or to something elsewhere. */
export class SchemaFault extends Error {
  readonly isCircular: boolean;

  constructor(message: string, isCircular = false) {
    super(message);
    this.name = "SchemaFault";
    this.isCircular = isCircular;
  }
}

/** How a schema is applied. */
export interface CheckOptions {
  /** True takes objects that lack required values. */
  readonly ignoresRequired?: boolean;
}

/**
 * Checks a value.
 *
 * @returns its faults, the first places first; empty when it fits
 * @throws SchemaFault
 */
export function checkValue(value: unknown, schema: ObjectSchema, options: CheckOptions = {}): ValueFault[] {
  const whole = prepareSchema(schema);
  const prepared = options.ignoresRequired ? withoutRequired(whole) : whole;
  refuseForeignReferences(prepared);
  refuseUnknownTypes(prepared);
  let errors: readonly { keyword: string; instancePath: string; params: object; schemaPath: string }[];
  try {
    const validator = Compile(prepared);
    errors = validator.Check(value) ? [] : validator.Errors(value)[1];
  } catch (error) {
    if (error instanceof RangeError) throw new SchemaFault("the schema refers to itself without end", true);
    throw new SchemaFault(error instanceof Error ? error.message : String(error));
  }
  return errors.flatMap((error) => describeFault(error, { value, schema: prepared }));
}

/** The first fault as a sentence, as the contract tells it; undefined when the value fits. @throws SchemaFault */
export function firstFault(value: unknown, schema: ObjectSchema, options: CheckOptions = {}): string | undefined {
  const [fault] = checkValue(value, schema, options);
  if (!fault) return undefined;
  const path = fault.path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
  const place = path === "" ? "Validation failed." : `Validation failed for field '${path}'.`;
  return `${place} Failure reason: ${fault.message}`;
}

/** Values that are not required may be null, and tuples are written the newer way, as the contract reads schemas of older libraries. */
export function prepareSchema(schema: ObjectSchema): ObjectSchema {
  const prepared = structuredClone(schema);
  relaxProperties(prepared);
  const { definitions } = prepared;
  if (!isObject(definitions)) return prepared;
  for (const [name, definition] of Object.entries(definitions)) {
    if (!isObject(definition)) continue;
    relaxProperties(definition);
    if ("block_type_slug" in definition) definitions[name] = { oneOf: [definition, BLOCK_REFERENCE] };
  }
  return prepared;
}

/** A block may be given by its id. */
const BLOCK_REFERENCE = {
  type: "object",
  properties: {
    $ref: {
      oneOf: [
        { type: "string", format: "uuid" },
        { type: "object", additionalProperties: { type: "string" }, minProperties: 1 },
      ],
    },
  },
  required: ["$ref"],
};

function relaxProperties(schema: ObjectSchema): void {
  const { properties, required } = schema;
  if (!isObject(properties)) return;
  const needed = new Set(Array.isArray(required) ? required : []);
  for (const [name, property] of Object.entries(properties)) {
    if (!isObject(property)) continue;
    const { type, items } = property;
    if (!needed.has(name) && type !== undefined && type !== "null" && !("default" in property)) {
      property["anyOf"] = [{ type }, { type: "null" }];
      delete property["type"];
    }
    if (Array.isArray(items) && property["prefixItems"] === undefined) {
      property["prefixItems"] = items;
      delete property["items"];
    }
    relaxProperties(property);
  }
}

function withoutRequired(schema: ObjectSchema): ObjectSchema {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (!isObject(value)) return value;
    const entries = Object.entries(value).filter(([name]) => name !== "required");
    return Object.fromEntries(entries.map(([name, one]) => [name, strip(one)]));
  };
  // An object stays one.
  return strip(schema) as ObjectSchema;
}

const TYPES: ReadonlySet<unknown> = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);
/** Parts of a schema that hold values, which may look like schemas. */
const VALUES: ReadonlySet<string> = new Set(["const", "default", "enum", "examples"]);

function refuseUnknownTypes(schema: unknown): void {
  if (Array.isArray(schema)) schema.forEach(refuseUnknownTypes);
  if (!isObject(schema)) return;
  const { type } = schema;
  if (typeof type === "string" && !TYPES.has(type))
    throw new SchemaFault(`'${type}' is not valid under any of the given schemas`);
  for (const [name, part] of Object.entries(schema)) if (!VALUES.has(name)) refuseUnknownTypes(part);
}

function refuseForeignReferences(schema: unknown): void {
  if (Array.isArray(schema)) schema.forEach(refuseForeignReferences);
  if (!isObject(schema)) return;
  const { $ref: reference } = schema;
  if (typeof reference === "string" && !reference.startsWith("#")) throw new SchemaFault(`Unresolvable: ${reference}`);
  Object.values(schema).forEach(refuseForeignReferences);
}

/** Says what keeps something from being a JSON schema, as far as types go; undefined when nothing does. */
export function schemaFault(schema: unknown): string | undefined {
  try {
    refuseUnknownTypes(schema);
    return undefined;
  } catch (error) {
    if (error instanceof SchemaFault) return error.message;
    throw error;
  }
}
