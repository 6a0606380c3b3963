import { Hono } from "hono";
import { cors } from "hono/cors";
import type { ApiCall, ApiReply } from "../api-reply.ts";
import type { ApiAnswerer } from "../sockets/served.ts";
import { isAuthorised } from "./authorisation.ts";
import { serveUi, type UiOptions } from "./ui-files.ts";

/** How the web app behaves towards browsers. */
export interface WebAppOptions extends UiOptions {
  /** Origins that pages may call from; none by default. */
  readonly corsAllowedOrigins?: readonly string[];
  /** `user:password` that is asked of every request but health and readiness; null (default) asks for none. */
  readonly authString?: string | null;
}

/** Most bytes of a body that are read; what is longer is refused before it is read. */
const MAX_BODY_BYTES = 64_000_000;
const OLDEST_API = [0, 8, 0] as const;

/**
 * Makes the web app over whoever answers: headers are looked at before the body is read, the body before it is parsed.
 *
 * A page of another origin is refused unless it is on the list: a browser would otherwise let any page that is open read and write a local server.
 */
export function createWebApp(core: ApiAnswerer, options: WebAppOptions = {}): Hono {
  const app = new Hono({ strict: true });
  const allowed = [...(options.corsAllowedOrigins ?? [])];
  if (allowed.length > 0) app.use("*", cors({ origin: allowed }));
  app.all("/api/*", async (context) => {
    const { raw } = context.req;
    const refusal = refuse(raw, allowed);
    if (refusal) return context.json({ detail: refusal.detail }, refusal.status);
    const url = new URL(raw.url);
    if (!isAuthorised(options.authString ?? null, { path: url.pathname, header: raw.headers.get("authorization") })) {
      return context.json({ exception_message: "Unauthorized" }, 401, { "www-authenticate": "Basic" });
    }
    const body = raw.method === "GET" || raw.method === "HEAD" ? undefined : await raw.text();
    const userAgent = raw.headers.get("user-agent");
    const call: ApiCall = {
      method: raw.method === "HEAD" ? "GET" : raw.method,
      path: url.pathname + url.search,
      origin: url.origin,
      ...(raw.headers.get("x-prefect-ui")?.toLowerCase() === "true" ? { isPage: true } : {}),
      ...(userAgent === null ? {} : { userAgent }),
    };
    const answer = await core.handle(body === undefined ? call : { ...call, body }, raw.signal);
    return toResponse(answer);
  });
  serveUi(app, { ...options, hasAuth: (options.authString ?? null) !== null });
  app.notFound((context) => context.json({ detail: "Not Found" }, 404));
  return app;
}

function toResponse({ status, body, headers: own }: ApiReply): Response {
  const headers = new Headers({ "x-content-type-options": "nosniff", ...own });
  if (status === 503) headers.set("retry-after", "1");
  if (body === "") return new Response(null, { status, headers });
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  return new Response(body, { status, headers });
}

function refuse(
  request: Request,
  allowedOrigins: readonly string[],
): { readonly status: 400 | 403 | 413; readonly detail: string } | undefined {
  const origin = request.headers.get("origin");
  if (origin !== null && !allowedOrigins.includes(origin) && origin !== new URL(request.url).origin) {
    return {
      status: 403,
      detail: `Pages of ${origin} may not call this server; allow them by SLUICE_SERVER_CORS_ALLOWED_ORIGINS.`,
    };
  }
  const version = request.headers.get("x-prefect-api-version");
  if (version !== null && !isSupported(version)) {
    return {
      status: 400,
      detail: `Client specified API version ${version}; this server speaks 0.8.0 to 0.8.4. Please update the client.`,
    };
  }
  const length = Number(request.headers.get("content-length") ?? 0);
  return length > MAX_BODY_BYTES
    ? { status: 413, detail: `The body has ${length} bytes, the limit is ${MAX_BODY_BYTES}.` }
    : undefined;
}

function isSupported(version: string): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(version)?.slice(1).map(Number);
  if (!parts) return false;
  for (const [index, oldest] of OLDEST_API.entries()) {
    const part = parts[index] ?? 0;
    if (part !== oldest) return part > oldest;
  }
  return true;
}
