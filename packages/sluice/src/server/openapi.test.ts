import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openApiDocument } from "./openapi.ts";

/*
 * Compares what is served with the contract (`contract/openapi.json`), operation by operation and field by field. A field that a request of ours also
 * takes as null, where the contract has it optional, is no difference: whoever keeps to the contract is understood.
 */

type Json = Readonly<Record<string, unknown>>;

/** What differs on purpose: where, and why. */
const KNOWN: readonly (readonly [where: RegExp, why: string])[] = [
  [/^get \/csrf-token response/, "CSRF tokens are off: the answer is always the contract's 422"],
  [
    /request\.(deployments|work_pools|work_pool_queues)/,
    "there are no deployments and pools yet: only the empty filter is taken",
  ],
  [/request\.(limit|offset)\.(minimum|maximum)$/, "the contract checks the bounds without saying so"],
  [
    /^get \/flow_runs\/\{id\}\/graph(-v2)? response/,
    "graphs are written by hand; their keys are checked against the real client",
  ],
  [/concurrency_limits/, "there are no limits yet: holders are not looked at, and no limit is ever answered"],
];

const contract = readJson(new URL("../../../../contract/openapi.json", import.meta.url));
const ours = JSON.parse(JSON.stringify(openApiDocument())) as Json;

test("every operation has the contract's fields, in its requests and in its answers", () => {
  const differences: string[] = [];
  for (const [path, operations] of Object.entries(paths(ours))) {
    for (const [method, operation] of Object.entries(operations)) {
      const theirs = paths(contract)[path]?.[method];
      if (!theirs) differences.push(`${method} ${path} is not in the contract`);
      else differences.push(...compareOperations(`${method} ${path}`, [operation, theirs]));
    }
  }
  expect(
    differences.filter((difference) => !KNOWN.some(([where]) => where.test(difference.split(":", 1)[0] ?? ""))),
  ).toEqual([]);
  const unused = KNOWN.filter(
    ([where]) => !differences.some((difference) => where.test(difference.split(":", 1)[0] ?? "")),
  );
  expect(
    unused.map(([, why]) => why),
    "a known difference is there no more: take it off the list",
  ).toEqual([]);
});

test("the fourteen operations of a plain flow are served", () => {
  const plain = [
    ["get", "/admin/version"],
    ["get", "/csrf-token"],
    ["get", "/admin/storage"],
    ["post", "/flows/"],
    ["get", "/flows/{id}"],
    ["post", "/flow_runs/"],
    ["post", "/flow_runs/filter"],
    ["get", "/flow_runs/{id}"],
    ["post", "/flow_runs/{id}/set_state"],
    ["post", "/task_runs/"],
    ["post", "/logs/"],
    ["post", "/v2/concurrency_limits/increment-with-lease"],
    ["post", "/v2/concurrency_limits/decrement-with-lease"],
  ] as const;
  expect(plain.filter(([method, path]) => paths(ours)[path]?.[method] === undefined)).toEqual([]);
});

function readJson(url: URL): Json {
  // The document is an object.
  return JSON.parse(readFileSync(url, "utf8")) as Json;
}

function paths(document: Json): Readonly<Record<string, Readonly<Record<string, Json>>>> {
  // OpenAPI: paths, then methods, then operations.
  return document["paths"] as Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

function requestOf(operation: Json): unknown {
  return normal(at(operation, "requestBody", "content", "application/json", "schema"));
}

function responseOf(operation: Json): unknown {
  const success = ["200", "201"].map((status) =>
    at(operation, "responses", status, "content", "application/json", "schema"),
  );
  return normal(success.find((schema) => schema !== undefined));
}

function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const KEPT = ["type", "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "maxLength", "uniqueItems"];

/** A schema without prose, defaults and references, in one order. */
function normal(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const { $ref, anyOf, items, patternProperties, additionalProperties, properties, required } = schema;
  if (typeof $ref === "string") return normal(at(contract, "components", "schemas", $ref.split("/").at(-1) ?? ""));
  if (Array.isArray(schema["enum"])) return { enum: schema["enum"].map(String).toSorted() };
  if ("const" in schema) return { const: schema["const"] };
  if (Array.isArray(anyOf))
    return {
      anyOf: [...new Set(anyOf.map((one) => JSON.stringify(normal(one))))]
        .toSorted()
        .map((text): unknown => JSON.parse(text)),
    };
  const plain: Record<string, unknown> = Object.fromEntries(
    KEPT.flatMap((key) => (schema[key] === undefined ? [] : [[key, schema[key]]])),
  );
  if (items !== undefined) plain["items"] = normal(items);
  if (isObject(patternProperties)) plain["additionalProperties"] = orTrue(normal(Object.values(patternProperties)[0]));
  if (additionalProperties !== undefined) plain["additionalProperties"] = orTrue(normal(additionalProperties));
  if (isObject(properties)) {
    plain["properties"] = Object.fromEntries(
      Object.entries(properties)
        .toSorted(byName)
        .map(([name, one]) => [name, normal(one)]),
    );
    plain["required"] = Array.isArray(required) ? required.map(String).toSorted() : [];
  }
  return plain;
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

function orTrue(schema: unknown): unknown {
  return isObject(schema) && Object.keys(schema).length === 0 ? true : schema;
}

/** The same schema with the null taken out of its fields. */
function withoutNull(schema: unknown): unknown {
  if (!isObject(schema) || !isObject(schema["properties"])) return schema;
  const properties = Object.entries(schema["properties"]).map(([name, one]) => [name, nonNull(one)] as const);
  return { ...schema, properties: Object.fromEntries(properties) };
}

function nonNull(schema: unknown): unknown {
  if (!isObject(schema) || !Array.isArray(schema["anyOf"])) return schema;
  const rest: unknown[] = schema["anyOf"].filter((one) => !isObject(one) || one["type"] !== "null");
  return rest.length === 1 ? rest[0] : { anyOf: rest };
}

function compareOperations(place: string, [mine, theirs]: readonly [Json, Json]): string[] {
  const requests = compare(`${place} request`, [withoutNull(requestOf(mine)), withoutNull(requestOf(theirs))]);
  return requests.concat(compare(`${place} response`, [responseOf(mine), responseOf(theirs)]));
}

function compare(place: string, [mine, theirs]: readonly [unknown, unknown]): string[] {
  if (JSON.stringify(mine) === JSON.stringify(theirs)) return [];
  if (isObject(mine) && isObject(theirs)) {
    const keys = new Set([...Object.keys(mine), ...Object.keys(theirs)]);
    return [...keys].flatMap((key) =>
      compare(key === "properties" ? place : `${place}.${key}`, [mine[key], theirs[key]]),
    );
  }
  return [`${place}: ours ${JSON.stringify(mine)}, the contract's ${JSON.stringify(theirs)}`];
}
