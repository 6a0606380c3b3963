import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ROUTES } from "../wire/routes.ts";
import { HANDLERS } from "./api/index.ts";
import { openApiDocument } from "./openapi.ts";

/* The wire's routes and schemas are made from the contract (`contract/openapi.json`): these tests say that they are, and what is not served. */

type Json = Readonly<Record<string, unknown>>;

const repository = new URL("../../../../", import.meta.url);
const contract = readJson(new URL("contract/openapi.json", repository));
const ours = JSON.parse(JSON.stringify(openApiDocument())) as Json;

test("the wire's shapes are what the contract gives", () => {
  const script = fileURLToPath(new URL("scripts/generate-wire.mjs", repository));
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test("every served operation says what the contract says of its parameters, its body and its answer", () => {
  for (const [path, operations] of Object.entries(paths(ours))) {
    for (const [method, operation] of Object.entries(operations)) {
      const theirs = paths(contract)[path]?.[method];
      expect(theirs, `${method} ${path} is not in the contract`).toBeDefined();
      expect(essence(operation), `${method} ${path}`).toEqual(essence(theirs ?? {}));
    }
  }
});

test("every operation of the contract is served", () => {
  const namesOf = (document: Json): string[] =>
    Object.entries(paths(document)).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
  const served = new Set(namesOf(ours));
  expect(namesOf(contract).filter((one) => !served.has(one))).toEqual([]);
});

test("every handler has a route", () => {
  const known = new Set(ROUTES.map(({ method, path }) => `${method} ${path}`));
  expect(Object.keys(HANDLERS).filter((name) => !known.has(name) && !name.includes(" /sluice/"))).toEqual([]);
});

function essence(operation: Json): Json {
  const { parameters = [], requestBody, responses } = operation;
  const bodies = Object.entries(responses as Readonly<Record<string, Json>>).filter(([status]) => status !== "422");
  const sent = (parameters as readonly Json[]).filter((one) => one["in"] !== "header");
  return {
    parameters: sent.map(({ name, in: place, required = false, schema }) => ({ name, place, required, schema })),
    requestBody: schemaOf(requestBody),
    responses: bodies.map(([status, body]) => [status, schemaOf(body) ?? {}]),
  };
}

function schemaOf(body: unknown): unknown {
  // OpenAPI: content, then media types, then schemas.
  const { content } = (body ?? {}) as { readonly content?: Readonly<Record<string, { readonly schema?: unknown }>> };
  return content?.["application/json"]?.schema;
}

function readJson(url: URL): Json {
  // The document is an object.
  return JSON.parse(readFileSync(url, "utf8")) as Json;
}

function paths(document: Json): Readonly<Record<string, Readonly<Record<string, Json>>>> {
  // OpenAPI: paths, then methods, then operations.
  return document["paths"] as Readonly<Record<string, Readonly<Record<string, Json>>>>;
}
