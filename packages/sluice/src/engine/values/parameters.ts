import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { SluiceError } from "../../wire/errors.ts";
import type { AnyFunction } from "./canonical-hash.ts";
import { isExactJson } from "./exact-json.ts";
import { objectParameterOf, parametersOf } from "./parameter-list.ts";
import { describeValue } from "./value-path.ts";

/** How a function takes its parameters, where its own list does not tell. */
export interface ParameterStyle {
  /** True when the only argument is an object whose keys are the parameters though the function does not destructure it: one with a schema. */
  readonly takesObject?: boolean;
}

/**
 * Names positional arguments as they go on the wire.
 *
 * A function that takes one destructured object (or `takesObject`) gives that object's own keys. Otherwise each argument gets the name of its
 * parameter, a rest parameter the list of what it takes, and arguments beyond the list `arg<position>`. Arguments that are undefined are left out.
 */
export function toNamedParameters(
  fn: AnyFunction,
  args: readonly unknown[],
  style: ParameterStyle = {},
): Readonly<Record<string, unknown>> {
  const [first] = args;
  if (takesObject(fn, style) && args.length <= 1 && (first === undefined || isRecord(first))) return { ...first };
  const named: [string, unknown][] = [];
  const parameters = parametersOf(fn);
  for (const [index, parameter] of parameters.entries()) {
    const value = parameter.rest ? args.slice(index) : args[index];
    if (value !== undefined) named.push([parameter.name, value]);
  }
  const listed = parameters.at(-1)?.rest === true ? args.length : parameters.length;
  for (let index = listed; index < args.length; index++) named.push([`arg${index}`, args[index]]);
  return Object.fromEntries(named);
}

/**
 * Makes positional arguments of named ones: for the command line, deployments and reruns. The inverse of {@link toNamedParameters}.
 *
 * @param flowName for the message
 * @throws SluiceError `SLUICE_PARAMETERS_INVALID` that lists all unknown names, all missing ones (parameters without a default value), and what
 *   is accepted. With `takesObject` nothing is checked: the schema will
 */
export function fromNamedParameters(
  fn: AnyFunction,
  named: Readonly<Record<string, unknown>>,
  { flowName, ...style }: ParameterStyle & { readonly flowName: string },
): readonly unknown[] {
  const object = objectParameterOf(fn);
  if (takesObject(fn, style)) {
    if (style.takesObject !== true)
      checkNames(named, { flowName, accepted: object?.keys ?? [], open: object?.open ?? false });
    return object?.optional === true && Object.keys(named).length === 0 ? [] : [{ ...named }];
  }
  const parameters = parametersOf(fn);
  const extra = Object.keys(named).filter((name) => isFurtherArgument(name, parameters.length));
  const accepted = parameters.map(({ name, optional, rest }) => ({ name, optional: optional || rest }));
  checkNames(named, {
    flowName,
    accepted: [...accepted, ...extra.map((name) => ({ name, optional: true }))],
    open: false,
  });
  const args: unknown[] = [];
  for (const { name, rest } of parameters) {
    const value = Object.hasOwn(named, name) ? named[name] : undefined;
    if (!rest) args.push(value);
    else if (Array.isArray(value)) args.push(...(value as unknown[]));
    else if (value !== undefined) throw invalid(flowName, [`"${name}" takes a list, got ${describeValue(value)}`]);
  }
  for (const name of extra) args[Number(name.slice("arg".length))] = named[name];
  return args;
}

/**
 * Validates parameters by a Standard Schema (zod, valibot, arktype, typebox and others).
 *
 * @returns what the schema made of the value; a promise when the schema is asynchronous, and only then
 * @throws SluiceError `SLUICE_PARAMETERS_INVALID` that lists every issue with its path (rejects, when asynchronous)
 */
export function validateParameters<Schema extends StandardSchemaV1>(
  schema: Schema,
  value: unknown,
  flowName: string,
): StandardSchemaV1.InferOutput<Schema> | Promise<StandardSchemaV1.InferOutput<Schema>> {
  const outcome = schema["~standard"].validate(value);
  return outcome instanceof Promise ? outcome.then(accept) : accept(outcome);

  function accept(result: StandardSchemaV1.Result<unknown>): StandardSchemaV1.InferOutput<Schema> {
    if (result.issues !== undefined) throw invalid(flowName, result.issues.map(describeIssue));
    return result.value;
  }
}

/**
 * Describes the parameters of a function as a JSON schema (draft 2020-12), for deployments and forms.
 *
 * Asks the schema itself: Standard JSON Schema, else a `toJSONSchema()` or `toJsonSchema()` of its own, else it is a JSON schema already.
 * Without a schema, or with one that cannot say it in JSON schema (a transform, a date), from the names of the parameters: each of any type,
 * required without a default value, with its `position`.
 */
export function parametersJsonSchema(fn: AnyFunction, schema?: StandardSchemaV1): Readonly<Record<string, unknown>> {
  const own = schema === undefined ? undefined : schemaInJson(schema);
  const { $schema: _, ...body } = own ?? schemaOfNames(fn);
  return { title: "Parameters", ...body };
}

/** A schema as a JSON schema (draft 2020-12) of what it takes; undefined where its library cannot say it so. */
export function schemaInJson(schema: StandardSchemaV1): Readonly<Record<string, unknown>> | undefined {
  const standard: StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props> = schema["~standard"];
  try {
    const json =
      standard.jsonSchema?.input({ target: "draft-2020-12" }) ??
      callMethod(schema, "toJSONSchema") ??
      callMethod(schema, "toJsonSchema");
    if (isRecord(json)) return json;
  } catch {
    // The library has no JSON schema for this type: the names of the parameters are what can be said (see above).
    return undefined;
  }
  const copy: unknown = { ...schema, "~standard": undefined };
  if (!("type" in schema || "properties" in schema)) return undefined;
  const plain = Object.fromEntries(Object.entries(copy as object).filter(([key]) => !key.startsWith("~"))); // spread of an object above
  return isExactJson(plain) ? plain : undefined;
}

function callMethod(owner: object, name: string): unknown {
  const method: unknown = Reflect.get(owner, name);
  return typeof method === "function" ? Reflect.apply(method, owner, []) : undefined;
}

function schemaOfNames(fn: AnyFunction): Record<string, unknown> {
  const object = objectParameterOf(fn);
  const parameters = object?.keys ?? parametersOf(fn);
  const rest = object === undefined ? parametersOf(fn).find((parameter) => parameter.rest)?.name : undefined;
  const properties = parameters.map(({ name }, position): [string, unknown] => [
    name,
    { title: name, position, ...(name === rest && { type: "array" }) },
  ]);
  const required = parameters.filter(({ name, optional }) => !optional && name !== rest).map(({ name }) => name);
  return { type: "object", properties: Object.fromEntries(properties), ...(required.length > 0 && { required }) };
}

interface AcceptedNames {
  readonly flowName: string;
  readonly accepted: readonly { readonly name: string; readonly optional: boolean }[];
  /** True when other names are taken too. */
  readonly open: boolean;
}

function checkNames(named: Readonly<Record<string, unknown>>, { flowName, accepted, open }: AcceptedNames): void {
  const known = new Set(accepted.map(({ name }) => name));
  const unknown = open ? [] : Object.keys(named).filter((name) => !known.has(name));
  const missing = accepted.filter(
    ({ name, optional }) => !optional && (!Object.hasOwn(named, name) || named[name] === undefined),
  );
  if (unknown.length === 0 && missing.length === 0) return;
  const list = accepted.map(({ name, optional }) => (optional ? `${name} (optional)` : name)).join(", ");
  throw invalid(flowName, [
    ...unknown.map((name) => `unknown "${name}"`),
    ...missing.map(({ name }) => `missing "${name}" (give it a default value if it may be left out)`),
    `it takes ${list === "" ? "no parameters" : list}`,
  ]);
}

function invalid(flowName: string, reasons: readonly string[]): SluiceError {
  return new SluiceError(
    "SLUICE_PARAMETERS_INVALID",
    `The parameters of flow "${flowName}" are not valid: ${reasons.join("; ")}.`,
  );
}

/** What a schema has against a value, in words, with the path to it. */
export function describeIssue({ message, path }: StandardSchemaV1.Issue): string {
  let where = "";
  for (const segment of path ?? []) {
    const key = typeof segment === "object" ? segment.key : segment;
    where += typeof key === "number" ? `[${key}]` : where === "" ? String(key) : `.${String(key)}`;
  }
  return where === "" ? message : `${where}: ${message}`;
}

function takesObject(fn: AnyFunction, style: ParameterStyle): boolean {
  return style.takesObject === true || objectParameterOf(fn) !== undefined;
}

/** Whether a name is that of an argument beyond a list of `count` parameters. */
function isFurtherArgument(name: string, count: number): boolean {
  return /^arg\d{1,3}$/.test(name) && Number(name.slice("arg".length)) >= count;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export { parameterNames } from "./parameter-list.ts";
