import { Format } from "typebox/format";
import { Value } from "typebox/value";
import { isoToMicros } from "../wire/timestamp.ts";
import { OWN_ROUTES, ROUTES, type Route } from "../wire/routes.ts";
import { SCHEMAS } from "../wire/schemas/index.ts";
import { adminHandlers } from "./api/admin.ts";
import { artifactHandlers } from "./api/artifacts.ts";
import { eventHandlers } from "./api/events.ts";
import { flowHandlers } from "./api/flows.ts";
import { flowRunHandlers } from "./api/flow-runs.ts";
import { graphHandlers } from "./api/graph.ts";
import type { Handler, Handlers } from "./api/handler.ts";
import { logHandlers } from "./api/logs.ts";
import { ownHandlers } from "./api/own.ts";
import { taskRunHandlers } from "./api/task-runs.ts";
import { InvalidRequest, Refusal, type ApiCall, type ApiReply, type Fault } from "./api-reply.ts";
import { finishPurges } from "./services/purge.ts";
import { readBody } from "./read-body.ts";
import type { ServerCore } from "./server-core.ts";

/** All routes of the server but those that the core answers itself. */
export interface App {
  /** Answers one request. Throws `Refusal` and `InvalidRequest` for the core to answer. */
  handle(call: ApiCall): Promise<ApiReply>;
}

interface Entry {
  readonly route: Route;
  readonly handler: Handler;
  readonly pattern: RegExp;
}

const HANDLERS: Handlers = {
  ...adminHandlers,
  ...flowHandlers,
  ...flowRunHandlers,
  ...graphHandlers,
  ...taskRunHandlers,
  ...logHandlers,
  ...artifactHandlers,
  ...eventHandlers,
  ...ownHandlers,
};
/** Most faults told of one request. */
const MAX_FAULTS = 20;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** Makes the app over an open core: finds a request's route, checks its body by the route's schema, and calls the handler. */
export function createApp(core: ServerCore): App {
  // The contract takes instants without an offset too.
  Format.Set("date-time", (text) => isoToMicros(text) !== undefined);
  Format.Set("uuid", (text) => UUID.test(text));
  const entries = [...ROUTES, ...OWN_ROUTES].flatMap((route): Entry[] => {
    const handler = HANDLERS[route.operation];
    return handler ? [{ route, handler, pattern: patternOf(route.path) }] : [];
  });
  finishPurges(core.store).catch(core.onError);
  return { handle: (call) => dispatch(entries, call, core) };
}

async function dispatch(entries: readonly Entry[], call: ApiCall, core: ServerCore): Promise<ApiReply> {
  const [path = "", search = ""] = call.path.split("?", 2);
  let isKnownPath = false;
  for (const { route, handler, pattern } of entries) {
    const match = pattern.exec(path);
    if (!match) continue;
    isKnownPath = true;
    if (route.method !== call.method) continue;
    const params = decodeParams(match.groups ?? {});
    return handler({ params, query: new URLSearchParams(search), body: bodyOf(route, call) }, core);
  }
  throw isKnownPath ? new Refusal(405, "Method Not Allowed") : new Refusal(404, "Not Found");
}

function bodyOf(route: Route, call: ApiCall): unknown {
  if (route.request === null) return undefined;
  const isEmpty = call.body === undefined || call.body === "";
  const body = isEmpty ? {} : readBody(call.body ?? "");
  const schema = SCHEMAS[route.request];
  if (!isEmpty && holdsUnstorableText(call.body ?? "", body)) {
    throw new InvalidRequest([
      { loc: ["body"], msg: "Text must not hold NUL or unpaired surrogates", type: "string_unicode" },
    ]);
  }
  if (!Value.Check(schema, body)) throw new InvalidRequest(faultsOf(Value.Errors(schema, body)), body);
  return body;
}

/** A surrogate without its partner cannot be written as UTF-8; a NUL ends a string in SQLite and is refused by Postgres. Only escapes can bring them. */
function holdsUnstorableText(text: string, body: unknown): boolean {
  return /\\u(?:0000|[dD][89a-fA-F])/.test(text) && isUnstorable(body);
}

function isUnstorable(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0") || !value.isWellFormed();
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, inner]) => isUnstorable(name) || isUnstorable(inner));
}

function faultsOf(errors: ReturnType<typeof Value.Errors>): Fault[] {
  return errors.slice(0, MAX_FAULTS).map(({ instancePath, keyword, message }) => {
    const steps = instancePath.split("/").slice(1);
    const loc = [
      "body",
      ...steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll("~1", "/").replaceAll("~0", "~"))),
    ];
    return { loc, msg: message, type: keyword };
  });
}

function patternOf(path: string): RegExp {
  const escaped = path.replaceAll(/[.+*?^$()[\]\\|]/g, String.raw`\$&`);
  return new RegExp(`^/api${escaped.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
}

function decodeParams(groups: Readonly<Record<string, string>>): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(groups)) params[name] = name === "id" ? idOf(value) : decode(value);
  return params;
}

function idOf(value: string): string {
  if (!UUID.test(value))
    throw new InvalidRequest([{ loc: ["path", "id"], msg: "Input should be a valid UUID", type: "uuid_parsing" }]);
  const hex = value.replaceAll("-", "").toLowerCase();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new InvalidRequest([{ loc: ["path"], msg: "The path is not valid percent-encoding", type: "value_error" }]);
  }
}
