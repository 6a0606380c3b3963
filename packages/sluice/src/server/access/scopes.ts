/** What a key may do, from the least to the most: look; work with flows; change who may do what. */
export const SCOPES = ["viewer", "operator", "admin"] as const;

/** One of {@link SCOPES}; each may do what those before it may. */
export type Scope = (typeof SCOPES)[number];

/** POST operations that only read. All other POSTs change something. */
const READS =
  /^\/api\/(?:(?!block_documents\/)[^?]+\/(?:filter|count|paginate|history|lateness)|events\/count-by\/[\w-]+|ui\/[\w/-]+|(?:automations\/)?templates\/validate)$/;
/** What concerns the server itself. */
const ADMIN = /^\/api\/(?:admin\/|sluice\/testing\/)/;

/**
 * Tells what scope a request needs. What is not known to need less needs `operator`.
 *
 * @param search the query with its question mark, or nothing
 */
export function neededScope({
  method,
  path,
  search,
}: {
  readonly method: string;
  readonly path: string;
  readonly search: string;
}): Scope {
  const isRead = method === "GET" || method === "HEAD" || (method === "POST" && READS.test(path));
  if (ADMIN.test(path) && !isRead) return "admin";
  // Secrets are shown to whoever runs flows, and to nobody who only looks.
  if (isRead && new URLSearchParams(search).has("include_secrets")) return "operator";
  return isRead ? "viewer" : "operator";
}

/** What scope a websocket needs: those that only send to the client need the least. @param path of the socket */
export function neededSocketScope(path: string): Scope {
  return path.endsWith("/out") ? "viewer" : "operator";
}

/** Whether a scope suffices where another is needed. */
export function suffices(scope: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(scope) >= SCOPES.indexOf(needed);
}
