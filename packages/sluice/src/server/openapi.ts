import { ROUTES, type JsonSchema, type Route } from "../wire/routes.ts";
import SCHEMAS from "../wire/contract/schemas.json" with { type: "json" };
import { HANDLERS } from "./api/index.ts";

/** Operations of the contract that the core answers by hand, before the app is loaded. */
const HOT: ReadonlySet<string> = new Set(["POST /logs/"]);

/** Makes the OpenAPI 3.1 document of what is served of the contract, from the route table, its handlers and the schemas. */
export function openApiDocument(): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) {
    const name = `${route.method} ${route.path}`;
    if (HANDLERS[name] || HOT.has(name)) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: { title: "Sluice", version: "0.8.4" },
    paths,
    components: { schemas: withLongReferences(SCHEMAS) },
  };
}

function operationOf(route: Route): Record<string, unknown> {
  const responses = Object.fromEntries(
    route.statuses.map((status) => [String(status), { description: "", ...contentOf(route.response) }]),
  );
  const parameters = route.parameters.map(({ name, in: place, required, schema }) => ({
    name,
    in: place,
    required,
    schema: withLongReferences(schema),
  }));
  const requestBody = { required: route.isBodyRequired, ...contentOf(route.request) };
  return {
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.request === null ? {} : { requestBody }),
    responses,
  };
}

function contentOf(schema: string | JsonSchema | null): Record<string, unknown> {
  if (schema === null) return {};
  const shown = typeof schema === "string" ? { $ref: `#/components/schemas/${schema}` } : withLongReferences(schema);
  return { content: { "application/json": { schema: shown } } };
}

/** Inside the server schemas refer to each other as `#/$defs/…`; in an OpenAPI document they live elsewhere. */
function withLongReferences(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll("#/$defs/", "#/components/schemas/"));
}
