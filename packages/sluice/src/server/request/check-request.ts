/**
 * Checks what a request carries by the schemas of the contract, which are compiled at a route's first request.
 *
 * A value that does not fit is read once more leniently (see `coerce.ts`) before it is refused, so the usual request pays for one check only.
 */
import { Format } from "typebox/format";
import { Compile, type Validator } from "typebox/schema";
import type { JsonSchema, Route, RouteParameter } from "../../wire/routes.ts";
import { readDuration } from "../../rules/schedules/interval-dates.ts";
import SCHEMAS from "../../wire/contract/schemas.json" with { type: "json" };
import { isoToMicros } from "../../wire/timestamp.ts";
import { InvalidRequest, Refusal, type ApiCall, type Fault } from "../api-reply.ts";
import { readBody } from "../read-body.ts";
import { coerce } from "./coerce.ts";
import { faultsOf, missing } from "./faults.ts";
import { withoutOldForms } from "./older-bodies.ts";
import { isUuid } from "./match-route.ts";

/** Most rows of a page, and the number when a request says none. */
export const MAX_PAGE = 200;
/** UUIDs that are not written as they are stored: with capitals, or without dashes. */
const UNUSUAL_ID = /"(?:[0-9a-fA-F]{32}|(?=[0-9a-f-]*[A-F])[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})"/;

// Text of the repository, which the generator wrote as name to schema.
const DEFINITIONS = SCHEMAS as Readonly<Record<string, JsonSchema>>;

/** The schema of a name. */
export function findSchema(name: string): JsonSchema | undefined {
  return Object.hasOwn(DEFINITIONS, name) ? DEFINITIONS[name] : undefined;
}

interface Checker {
  readonly schema: JsonSchema;
  readonly validator: Validator;
}

/** What a route's requests are checked with. */
export class RequestCheck {
  readonly #route: Route;
  readonly #queryParameters: readonly RouteParameter[];
  /** Those in the path that are one of some words; ids are looked at where routes are matched. */
  readonly #wordParameters: readonly RouteParameter[];
  #body: Checker | undefined;

  constructor(route: Route) {
    this.#route = route;
    this.#queryParameters = route.parameters.filter((one) => one.in === "query");
    this.#wordParameters = route.parameters.filter((one) => one.in === "path" && "$ref" in one.schema);
  }

  /**
   * Reads the body as the route's schema wants it; undefined for a route that takes none.
   *
   * @throws InvalidRequest, Refusal
   */
  body(call: ApiCall): unknown {
    const { request, isBodyRequired } = this.#route;
    const text = call.body ?? "";
    if (request === null) return text === "" ? undefined : readBody(text);
    if (text === "") {
      if (isBodyRequired) throw new InvalidRequest([missing(["body"], null)]);
      return {};
    }
    const given = readBody(text);
    this.#body ??= checkerOf(request);
    const body = this.#check(this.#body, text, given);
    if (!hasOwnLimit(this.#body.schema)) checkPage(body);
    return body;
  }

  /** Checks the parameters in the path that are one of some words. @throws InvalidRequest */
  path(params: Readonly<Record<string, string>>, body: unknown): void {
    for (const { name, schema } of this.#wordParameters) {
      const checker = checkerOf(schema);
      const value = params[name];
      if (checker.validator.Check(value)) continue;
      throw new InvalidRequest(faultsOf(checker.validator.Errors(value)[1], value, ["path", name]), body);
    }
  }

  /** Checks the parameters in the query. @throws InvalidRequest */
  query(query: URLSearchParams): void {
    for (const { name, required, schema } of this.#queryParameters) {
      const value = query.get(name);
      if (value === null) {
        if (required) throw new InvalidRequest([missing(["query", name], null)]);
        continue;
      }
      const checker = checkerOf(schema);
      const read = coerce(value, schema, findSchema);
      if (checker.validator.Check(read)) {
        query.set(name, String(read));
        continue;
      }
      const faults = faultsOf(checker.validator.Errors(read)[1], value, ["query", name]);
      throw new InvalidRequest(faults);
    }
  }

  #check(checker: Checker, text: string, given: unknown): unknown {
    const { schema, validator } = checker;
    const isUsual = validator.Check(given);
    if (isUsual && !UNUSUAL_ID.test(text)) return given;
    const { request } = this.#route;
    const read = coerce(withoutOldForms(given, typeof request === "string" ? request : null), schema, findSchema);
    if (validator.Check(read)) return read;
    const faults = faultsOf(validator.Errors(read)[1], given, ["body"]);
    throw new InvalidRequest(isOfParts(request) ? faults.map(withoutInput) : faults, given);
  }
}

/**
 * Makes a check of values that come another way than as a body, as the frames of a websocket do.
 *
 * @param schema its name in the contract, or the schema itself
 * @returns what is wrong with a value; empty when nothing is
 */
export function valueCheck(schema: string | JsonSchema): (value: unknown) => Fault[] {
  let checker: Checker | undefined;
  return (value) => {
    checker ??= checkerOf(schema);
    return checker.validator.Check(value) ? [] : faultsOf(checker.validator.Errors(value)[1], value, []);
  };
}

function checkerOf(request: string | JsonSchema): Checker {
  Format.Set("date-time", (text) => isoToMicros(text) !== undefined);
  Format.Set("duration", (text) => Number.isFinite(readDuration(text)));
  Format.Set("uuid", (text) => isUuid(text));
  const schema: JsonSchema = typeof request === "string" ? { $ref: `#/$defs/${request}` } : request;
  const compiled = { ...schema, $defs: reachable(schema) };
  return { schema, validator: Compile(compiled) };
}

/** A body that is made of named parts, each of which the contract looks for alone. */
function isOfParts(request: string | JsonSchema | null): boolean {
  return typeof request === "string" && request.startsWith("Body_");
}

function withoutInput(fault: Fault): Fault {
  return fault.type === "missing" && fault.loc.length === 2 ? { ...fault, input: null } : fault;
}

/** The definitions that a schema leads to: compiling all of them would take long. */
function reachable(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const found: Record<string, JsonSchema> = {};
  const visit = (part: JsonSchema): void => {
    for (const [, name = ""] of JSON.stringify(part).matchAll(/"#\/\$defs\/([^"]+)"/g)) {
      const target = findSchema(name);
      if (target === undefined || Object.hasOwn(found, name)) continue;
      found[name] = target;
      visit(target);
    }
  };
  visit(schema);
  return found;
}

/** A `limit` with a default of its own is a number like any other: the contract has no bound for it outside its schemas. */
function hasOwnLimit({ $ref: reference }: JsonSchema): boolean {
  const schema = typeof reference === "string" ? findSchema(reference.slice("#/$defs/".length)) : undefined;
  const limit = isObject(schema?.["properties"]) ? schema["properties"]["limit"] : undefined;
  return isObject(limit) && "default" in limit;
}

/** The contract checks the `limit` of a page outside its schemas. */
function checkPage(body: unknown): void {
  if (isObject(body) && typeof body["limit"] === "number" && body["limit"] < 0)
    throw new Refusal(422, "Invalid limit: must be greater than or equal to 0.");
}

/** Refuses a page that is longer than the contract allows; for the handlers of lists. @throws Refusal 422 */
export function pageLimit(limit: number | undefined): number {
  if (limit !== undefined && limit > MAX_PAGE)
    throw new Refusal(422, `Invalid limit: must be less than or equal to ${MAX_PAGE}.`);
  return limit ?? MAX_PAGE;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
