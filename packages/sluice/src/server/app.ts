import { OWN_ROUTES, ROUTES } from "../wire/routes.ts";
import { HANDLERS } from "./api/index.ts";
import type { Handler, RouteCall } from "./api/handler.ts";
import { READ_HANDLERS } from "./api/read-handlers.ts";
import { Refusal, type ApiCall, type ApiReply } from "./api-reply.ts";
import { installSystemBlocks } from "./blocks/system-blocks.ts";
import { checkParameterSize, ROUTES_WITH_PARAMETERS } from "./parameters/parameter-size.ts";
import { Readers } from "./readers/readers.ts";
import { isShortRead } from "./readers/short-reads.ts";
import { RequestCheck } from "./request/check-request.ts";
import { RouteMatcher } from "./request/match-route.ts";
import { finishPurges } from "./services/purge.ts";
import type { ServerCore } from "./server-core.ts";

/** All routes of the server but those that the core answers itself. */
export interface App {
  /** Answers one request. Throws `Refusal` and `InvalidRequest` for the core to answer. @param signal ends a request that is being held */
  handle(call: ApiCall, signal?: AbortSignal): Promise<ApiReply>;
  /** Ends the threads that answer for it. */
  close(): Promise<void>;
}

interface Entry {
  /** Method and path. */
  readonly name: string;
  /** True for what only reads. */
  readonly isRead: boolean;
  readonly handler: Handler;
  readonly check: RequestCheck;
  readonly hasParameters: boolean;
}

/** Makes the app over an open core: finds a request's route, checks its body by the route's schema, and calls the handler. */
export function createApp(core: ServerCore): App {
  const routes = new RouteMatcher<Entry>();
  for (const route of [...ROUTES, ...OWN_ROUTES]) {
    const name = `${route.method} ${route.path}`;
    const handler = HANDLERS[name];
    const hasParameters = ROUTES_WITH_PARAMETERS.has(name);
    const isRead = Object.hasOwn(READ_HANDLERS, name);
    if (handler) routes.add(route, { name, isRead, handler, check: new RequestCheck(route), hasParameters });
  }
  core.store.write(() => installSystemBlocks(core.store)).catch(core.onError);
  finishPurges(core);
  const { store, settings, onError, readAsideBytes: fromBytes } = core;
  const readers = new Readers({ store, settings, fromBytes, onError });
  return {
    handle: (call, signal) => dispatch({ routes, core, readers }, call, signal),
    close: () => readers.close(),
  };
}

interface Parts {
  readonly routes: RouteMatcher<Entry>;
  readonly core: ServerCore;
  readonly readers: Readers;
}

async function dispatch(
  { routes, core, readers }: Parts,
  call: ApiCall,
  signal: AbortSignal | undefined,
): Promise<ApiReply> {
  const [path = "", search = ""] = call.path.split("?", 2);
  const matched = routes.match(call.method, path);
  if (matched === "method") throw new Refusal(405, "Method Not Allowed");
  if (matched === undefined) return redirect(routes, call);
  const { name, isRead, handler, check, hasParameters } = matched.target;
  const query = new URLSearchParams(search);
  check.query(query);
  const { userAgent, origin, isPage } = call;
  const body = check.body(call);
  check.path(matched.params, body);
  if (hasParameters) checkParameterSize(body, call.body ?? "", core.settings.maxParameterSize);
  const routeCall: RouteCall = {
    params: matched.params,
    query,
    body,
    ...(call.body === undefined ? {} : { text: call.body }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(origin === undefined ? {} : { origin }),
    ...(isPage === undefined ? {} : { isPage }),
    ...(signal ? { signal } : {}),
  };
  const isAside = isRead && readers.areWorthIt && !isShortRead(name, body);
  return isAside ? readers.ask(name, routeCall) : handler(routeCall, core);
}

/** A path that only lacks its closing slash, or has one too many, leads on to the right one. */
function redirect(routes: RouteMatcher<Entry>, { method, path: whole }: ApiCall): ApiReply {
  const [path = "", search] = whole.split("?", 2);
  const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
  if (typeof routes.match(method, other) !== "object") throw new Refusal(404, "Not Found");
  return { status: 307, body: "", headers: { location: search === undefined ? other : `${other}?${search}` } };
}
