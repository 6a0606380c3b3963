import { Refusal } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { checkValue, firstFault, SchemaFault, type ObjectSchema } from "./json-schema.ts";

/** What is checked: whose values over which defaults, and whether all that is needed must be there. */
export interface GivenJobVariables {
  readonly template: Readonly<Record<string, unknown>>;
  /** Later ones stand over earlier ones. */
  readonly values: readonly (Readonly<Record<string, unknown>> | null | undefined)[];
  readonly ignoresRequired: boolean;
}

/** A check that refuses. */
export interface JobVariableCheck extends GivenJobVariables {
  /** Stands before the reason. */
  readonly prefix: string;
}

/**
 * Checks job variables by the template of a work pool. A template that says nothing of its variables takes any.
 *
 * @throws Refusal 422
 */
export function checkJobVariables(check: JobVariableCheck): void {
  const fault = jobVariableFault(check);
  if (fault !== undefined) throw new Refusal(422, `${check.prefix}: ${fault}`);
}

/** Says what {@link checkJobVariables} refuses; undefined when that is nothing. @throws Refusal 422 for a template that is no schema */
export function jobVariableFault({ template, values, ignoresRequired }: GivenJobVariables): string | undefined {
  const { variables: schema } = template;
  if (!isObject(schema) || Object.keys(schema).length === 0) return undefined;
  const { defaults, hasInvalid } = defaultsOf(schema);
  const all = Object.assign({}, defaults, ...values.map((one) => one ?? {}));
  try {
    return firstFault(all, withNullableDefaults(schema), { ignoresRequired: ignoresRequired || hasInvalid });
  } catch (error) {
    if (error instanceof SchemaFault) throw new Refusal(422, `Invalid schema: ${error.message}`);
    throw error;
  }
}

/**
 * Checks the defaults of a work pool's template by its own schema; what is required may lack one.
 *
 * @param blockData finds the data of a block document by id, to which a default may lead
 * @throws Refusal 404, 422
 */
export function checkTemplateDefaults(
  template: Readonly<Record<string, unknown>>,
  blockData: (id: string) => unknown,
): void {
  const { variables: schema } = template;
  if (!isObject(schema) || Object.keys(schema).length === 0) return;
  const { properties } = schema;
  const defaults: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
    if (!isObject(property) || !("default" in property)) continue;
    const value = property["default"];
    const reference = isObject(value) ? value["$ref"] : undefined;
    if (!isObject(reference)) defaults[name] = value;
    else if (typeof reference["block_document_id"] === "string") {
      defaults[name] = blockData(reference["block_document_id"]);
      if (defaults[name] === undefined) throw new Refusal(404, "Block not found.");
    }
  }
  try {
    const fault = firstFault(defaults, withNullableDefaults(schema), { ignoresRequired: true });
    if (fault !== undefined)
      throw new Refusal(422, `Validation failed for work pool's job variable defaults: ${fault}`);
  } catch (error) {
    if (error instanceof SchemaFault) throw new Refusal(422, `Invalid schema: ${error.message}`);
    throw error;
  }
}

/** The defaults that fit their own schema; one that leads to a block is resolved by the worker. */
function defaultsOf(schema: ObjectSchema): { defaults: Record<string, unknown>; hasInvalid: boolean } {
  const defaults: Record<string, unknown> = {};
  let hasInvalid = false;
  const { properties } = schema;
  for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
    if (!isObject(property) || !("default" in property)) continue;
    const value = property["default"];
    if (isObject(value) && "$ref" in value) hasInvalid = true;
    else if (value !== null && checkValue({ [name]: value }, schema, { ignoresRequired: true }).length > 0)
      hasInvalid = true;
    else defaults[name] = value;
  }
  return { defaults, hasInvalid };
}

/** A variable with a default may be null: its default then counts. */
function withNullableDefaults(schema: ObjectSchema): ObjectSchema {
  const copy = structuredClone(schema);
  const { properties } = copy;
  for (const property of Object.values(isObject(properties) ? properties : {})) {
    if (!isObject(property) || !("default" in property) || property["type"] === undefined) continue;
    property["anyOf"] = [{ type: property["type"] }, { type: "null" }];
    delete property["type"];
  }
  return copy;
}
