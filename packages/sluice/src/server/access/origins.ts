/**
 * Which pages in a browser may use the server. A browser lets any page that is open send requests to a server on the same machine; so
 *
 * 1. a request that says it comes from a page of another origin is refused, unless the origin is on the list;
 * 2. a request that a page of another site makes without naming its origin (an image, a script, a form) is refused as well;
 * 3. a server that asks for no credentials is asked by names that cannot be a stranger's: a page whose own name is made to lead to this machine
 *    (DNS rebinding) is of the same origin, and only the name in `Host` gives it away.
 */
import type { IncomingHttpHeaders } from "node:http";
import { hostname } from "node:os";
import { isIP } from "node:net";
import { Refusal } from "../api-reply.ts";

/** Which origins and names are let in. */
export interface OriginRules {
  /** Origins whose pages may call, as `https://ui.example`; `*` for all. */
  readonly allowedOrigins: readonly string[];
  /** Names by which the server is reached, beside addresses and names of a local network. */
  readonly allowedHosts: readonly string[];
  /** Whether every request has to bring credentials, which a rebound page does not have. */
  readonly asksForCredentials: () => boolean;
}

/** Names that no public DNS serves. */
const LOCAL_NAME = /^[^.]+$|\.(?:localhost|local|internal|lan|home\.arpa)$/i;

/** Where the client reached the server, as its request says: `http://127.0.0.1:4200`. */
export function originOf(headers: IncomingHttpHeaders): string {
  return `${isForwarded(headers) ? "https" : "http"}://${headers.host ?? ""}`;
}

/** Whether a page of this origin may call. @param headers of the request that names the origin */
export function isAllowedOrigin(
  origin: string,
  headers: IncomingHttpHeaders,
  { allowedOrigins }: OriginRules,
): boolean {
  if (allowedOrigins.includes(origin) || allowedOrigins.includes("*")) return true;
  return origin === `http://${headers.host}` || origin === originOf(headers);
}

/** Refuses what a browser sends for a page that may not call; see the head of the file. @throws Refusal 403 */
export function checkOrigin(headers: IncomingHttpHeaders, rules: OriginRules): void {
  const { origin, host = "" } = headers;
  if (origin !== undefined && !isAllowedOrigin(origin, headers, rules)) {
    throw new Refusal(
      403,
      `Pages of ${origin} may not call this server; allow them by SLUICE_SERVER_CORS_ALLOWED_ORIGINS.`,
    );
  }
  const site = headers["sec-fetch-site"];
  const isStrange = site === "cross-site" || site === "same-site";
  // A link that a person follows is no call of a page; what it shows, the page does not see.
  if (origin === undefined && isStrange && headers["sec-fetch-mode"] !== "navigate")
    throw new Refusal(403, "Pages of other sites may not load what this server answers.");
  if (!rules.asksForCredentials() && !isOwnName(host, rules.allowedHosts)) {
    throw new Refusal(
      403,
      `This server is not known as ${host}, and asks for no credentials. Name it in SLUICE_SERVER_ALLOWED_HOSTS, or set SLUICE_SERVER_API_AUTH_STRING.`,
    );
  }
}

function isOwnName(host: string, allowedHosts: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (isIP(name.replace(/^\[|\]$/g, "")) !== 0 || LOCAL_NAME.test(name)) return true;
  return name === hostname().toLowerCase() || allowedHosts.some((allowed) => allowed.toLowerCase() === name);
}

/** Behind a proxy that speaks https to the browser, the browser's origin is not the one that this server sees. */
function isForwarded(headers: IncomingHttpHeaders): boolean {
  return headers["x-forwarded-proto"] === "https";
}

const ALLOWED_METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE";

/** The headers by which a browser lets an allowed page of another origin read an answer; none for other requests. */
export function corsHeaders(headers: IncomingHttpHeaders, { allowedOrigins }: OriginRules): readonly string[] {
  const { origin } = headers;
  if (allowedOrigins.length === 0) return [];
  if (origin === undefined || !(allowedOrigins.includes(origin) || allowedOrigins.includes("*")))
    return ["vary", "Origin"];
  return ["access-control-allow-origin", origin, "vary", "Origin"];
}

/** The answer's headers to a browser that asks before it sends what a page wants to send. */
export function preflightHeaders(headers: IncomingHttpHeaders, rules: OriginRules): readonly string[] {
  const asked = headers["access-control-request-headers"];
  return [
    ...corsHeaders(headers, rules),
    "access-control-allow-methods",
    ALLOWED_METHODS,
    ...(asked === undefined ? [] : ["access-control-allow-headers", asked]),
    "access-control-max-age",
    "600",
  ];
}
