/**
 * Makes the wire's shapes of the contract (`contract/openapi.json`, Prefect's OpenAPI document without prose):
 *
 *   packages/sluice/src/wire/contract/schemas.json   the JSON schemas of all bodies, by name: what the server checks requests with
 *   packages/sluice/src/wire/contract/routes.json    one row an operation: method, path, parameters, schemas, statuses
 *   packages/sluice/src/wire/contract/shapes.ts      the same schemas as TypeScript interfaces
 *
 * `node scripts/generate-wire.mjs` writes them, `--check` only says whether they are what the contract gives (exit code 1 when not).
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repoFolder } from "./repo-node.mjs";

const contract = JSON.parse(readFileSync(join(repoFolder, "contract/openapi.json"), "utf8"));
const folder = join(repoFolder, "packages/sluice/src/wire/contract");
const schemas = contract.components.schemas;

/** Type names of the schemas: those of request bodies after their operation, the others as in the contract. */
const typeNames = nameTypes();

function nameTypes() {
  const names = new Map();
  const taken = new Set(
    Object.keys(schemas)
      .filter((name) => !name.startsWith("Body_"))
      .map(plainName),
  );
  for (const [path, operations] of Object.entries(contract.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const body = bodySchema(operation)?.$ref?.split("/").at(-1);
      if (!body?.startsWith("Body_")) continue;
      const full = `${pascal(operationName(method, path, operation.operationId))}Body`;
      const name = taken.has(full) ? `${pascal(path.split("/")[1])}${full}` : full;
      taken.add(name);
      names.set(body, name);
    }
  }
  for (const name of Object.keys(schemas)) if (!names.has(name)) names.set(name, plainName(name));
  return names;
}

function plainName(name) {
  return name.replace(/-(Input|Output)$/, "$1");
}

/** `read_flow_runs` of `read_flow_runs_flow_runs_filter_post`. */
function operationName(method, path, operationId) {
  const suffix = `${path}_${method}`.replaceAll(/[^a-zA-Z0-9]/g, "_");
  return operationId.endsWith(suffix) ? operationId.slice(0, -suffix.length) : operationId;
}

function pascal(text) {
  return text
    .split(/[^a-zA-Z0-9]+/)
    .filter(Boolean)
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join("");
}

function bodySchema(operation) {
  return operation.requestBody?.content?.["application/json"]?.schema;
}

/** A schema of a route: the name of a shared one, or the schema itself with shortened references. */
function reference(schema) {
  if (schema === undefined || Object.keys(schema).length === 0) return null;
  return schema.$ref ? schema.$ref.split("/").at(-1) : shorten(schema);
}

/** References among the schemas are by name: `#/$defs/Flow`. */
function shorten(schema) {
  return JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"));
}

function routes() {
  return Object.entries(contract.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const successes = Object.entries(operation.responses).filter(([status]) => status !== "422");
      const parameters = (operation.parameters ?? []).filter((one) => one.in === "path" || one.in === "query");
      return {
        method: method.toUpperCase(),
        path,
        parameters: parameters.map(({ name, in: place, required = false, schema }) => ({
          name,
          in: place,
          required,
          schema: shorten(schema),
        })),
        request: reference(bodySchema(operation)),
        isBodyRequired: operation.requestBody?.required ?? false,
        response: reference(successes[0]?.[1].content?.["application/json"]?.schema),
        statuses: successes.map(([status]) => Number(status)),
      };
    }),
  );
}

function typeOf(schema) {
  if (schema === undefined || Object.keys(schema).length === 0) return "unknown";
  if (schema.$ref) return typeNames.get(schema.$ref.split("/").at(-1));
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return unionOf(union.map(typeOf));
  if (schema.prefixItems) return `readonly [${schema.prefixItems.map(typeOf).join(", ")}]`;
  if (schema.type === "array") return `readonly ${group(typeOf(schema.items))}[]`;
  if (schema.type === "object") return objectOf(schema);
  return (
    { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" }[schema.type] ??
    "unknown"
  );
}

function unionOf(types) {
  const distinct = [...new Set(types)];
  return distinct.includes("unknown") ? "unknown" : distinct.join(" | ");
}

function group(type) {
  return / \| |^readonly /.test(type) ? `(${type})` : type;
}

function objectOf(schema) {
  if (!schema.properties) {
    const values = typeof schema.additionalProperties === "object" ? typeOf(schema.additionalProperties) : "unknown";
    return `Readonly<Record<string, ${values}>>`;
  }
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties).map(([name, one]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    return `readonly ${key}${required.has(name) ? "" : "?"}: ${typeOf(one)};`;
  });
  return `{ ${fields.join(" ")} }`;
}

function shapes() {
  const head = [
    "/* Made by scripts/generate-wire.mjs from contract/openapi.json; change it there. */",
    "",
    "/** The bodies of Prefect's REST contract as types; the schemas that check them are in `schemas.json`. */",
    "",
  ];
  const lines = Object.entries(schemas).map(([name, schema]) => {
    const type = typeOf(schema);
    return type.startsWith("{")
      ? `export interface ${typeNames.get(name)} ${type}\n`
      : `export type ${typeNames.get(name)} = ${type};\n`;
  });
  return [...head, ...lines].join("\n");
}

const files = {
  "schemas.json": `${JSON.stringify(shorten(schemas))}\n`,
  "routes.json": `[\n${routes()
    .map((route) => JSON.stringify(route))
    .join(",\n")}\n]\n`,
  "shapes.ts": shapes(),
};
const isCheck = process.argv.includes("--check");
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(files)) {
  const file = join(folder, name);
  const normal = (content) => content.replaceAll(/[\s,;|]/g, "");
  // The formatter may lay the types out anew: only what they say is compared.
  if (existsSync(file) && normal(readFileSync(file, "utf8")) === normal(text)) continue;
  if (isCheck) {
    console.error(`${file} is not what the contract gives: run node scripts/generate-wire.mjs`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`wrote ${name}`);
  }
}
