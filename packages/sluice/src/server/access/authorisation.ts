import { hash, timingSafeEqual } from "node:crypto";

/** What answers without credentials, so that a load balancer can ask: exact paths, never a suffix. */
const OPEN_PATHS: ReadonlySet<string> = new Set(["/api/health", "/api/ready"]);

/**
 * Tells whether a request may go on, for HTTP and websockets alike.
 *
 * @param authString `user:password` that the server asks for; null when it asks for none
 * @param header the `Authorization` header (HTTP Basic), compared in constant time
 */
export function isAuthorised(
  authString: string | null,
  request: { readonly path: string; readonly header: string | null },
): boolean {
  if (authString === null || OPEN_PATHS.has(request.path)) return true;
  const [scheme = "", credentials = ""] = (request.header ?? "").split(" ", 2);
  if (scheme.toLowerCase() !== "basic") return false;
  const given = Buffer.from(credentials, "base64").toString("utf8");
  return isSameSecret(given, authString);
}

/** Compares two secrets in a time that does not depend on where they differ. */
export function isSameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(hash("sha256", given, "buffer"), hash("sha256", wanted, "buffer"));
}
