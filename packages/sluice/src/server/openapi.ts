import { ROUTES, type Route } from "../wire/routes.ts";
import { SCHEMAS } from "../wire/schemas/index.ts";

/** Makes the OpenAPI 3.1 document of what is served of the contract, from the route table and the schemas. Schemas stand inline. */
export function openApiDocument(): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  return { openapi: "3.1.0", info: { title: "Sluice", version: "0.8.4" }, paths };
}

function operationOf(route: Route): Record<string, unknown> {
  const content = (name: Route["response"]) =>
    name === null ? {} : { content: { "application/json": { schema: SCHEMAS[name] } } };
  const responses = Object.fromEntries(
    route.statuses.map((status) => [String(status), { description: "", ...content(route.response) }]),
  );
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  return {
    operationId: route.operation,
    ...(names.length > 0
      ? { parameters: names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })) }
      : {}),
    ...(route.request === null ? {} : { requestBody: { required: true, ...content(route.request) } }),
    responses,
  };
}
