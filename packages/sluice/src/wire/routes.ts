/**
 * The route table: plain data, so that a client or a child process may import it without loading a schema library. The schemas behind the names are
 * in `contract/schemas.json`. Paths are without `/api`.
 */
import contractRoutes from "./contract/routes.json" with { type: "json" };

/** A JSON schema, or part of one; references are `#/$defs/<name of a schema>`. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A parameter in the path or the query of a route. */
export interface RouteParameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly schema: JsonSchema;
}

/** One operation that a server can answer. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With parameters in braces. */
  readonly path: string;
  readonly parameters: readonly RouteParameter[];
  /** Schema of the body: the name of a shared one, or the schema itself; null when no body is read or any is taken. */
  readonly request: string | JsonSchema | null;
  readonly isBodyRequired: boolean;
  /** Schema of the answer when it succeeds; null for an answer without body, or of any shape. */
  readonly response: string | JsonSchema | null;
  /** Statuses of success as the contract lists them. */
  readonly statuses: readonly number[];
}

/** Every operation of Prefect's contract. Made from the contract by `scripts/generate-wire.mjs`, whose fields these are. */
export const ROUTES = contractRoutes as readonly Route[];

const ID: RouteParameter = { name: "id", in: "path", required: true, schema: { type: "string", format: "uuid" } };

function own(method: Route["method"], path: string, status: number): Route {
  const parameters = path.includes("{id}") ? [ID] : [];
  return { method, path, parameters, request: null, isBodyRequired: false, response: null, statuses: [status] };
}

/** What Sluice adds, under `/api/sluice`; bodies are checked by their handlers. */
export const OWN_ROUTES: readonly Route[] = [
  own("GET", "/sluice/protocol", 200),
  own("POST", "/sluice/run-records", 200),
  own("POST", "/sluice/processes", 201),
  own("POST", "/sluice/processes/{id}/renew", 200),
  own("DELETE", "/sluice/processes/{id}", 204),
  own("GET", "/sluice/flow_runs/{id}/tree", 200),
  own("POST", "/sluice/task-queue/next", 200),
  own("POST", "/sluice/task-queue/settle", 204),
  own("POST", "/sluice/task-workers/leave", 204),
  own("POST", "/sluice/worker-channels", 200),
  own("POST", "/sluice/worker-channels/{id}/wait", 200),
  own("POST", "/sluice/worker-channels/{id}/cleanup", 200),
  own("GET", "/sluice/tag-limits", 200),
  own("POST", "/sluice/tag-slots", 200),
  own("POST", "/sluice/events/backfill", 200),
  own("POST", "/sluice/events/tail", 200),
  own("POST", "/sluice/logs/tail", 200),
  own("POST", "/sluice/testing/reset", 204),
];
