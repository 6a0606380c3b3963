/**
 * Who may do what. Every request and every websocket comes through here; what is not named as open asks for credentials.
 *
 * Credentials are the auth string by HTTP Basic, or an API key as a bearer token, or in the place of a Basic password (web pages have no other). The auth
 * string may do everything, a key what its scope says. Guessing the auth string is slowed down; a key cannot be guessed.
 */
import { hash, timingSafeEqual } from "node:crypto";
import { Refusal } from "../api-reply.ts";
import { isWellFormed, type ApiKeyFile } from "./api-key-file.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { neededScope, suffices, type Scope } from "./scopes.ts";

/** What credentials a server takes. */
export interface Credentials {
  /** `user:password`; null for none. */
  readonly authString: string | null;
  readonly keys: ApiKeyFile | null;
}

/** What answers without credentials, so that a load balancer can ask: exact paths, never a suffix. */
const OPEN_PATHS: ReadonlySet<string> = new Set(["/api/health", "/api/ready"]);

/** Credentials are missing or wrong. */
export class Unauthorised extends Error {}

/** A request as it is judged. */
export interface AccessRequest {
  readonly method: string;
  /** As it was sent, never decoded; without the query. */
  readonly path: string;
  /** The query with its question mark, or nothing. */
  readonly search: string;
  /** The header `Authorization`. */
  readonly header: string | undefined;
  /** Address of the client. */
  readonly address: string;
}

/** Lets requests in. */
export class Gatekeeper {
  readonly #credentials: Credentials;
  readonly #throttle = new LoginThrottle();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Whether this server asks for credentials at all. */
  asks(): boolean {
    return this.#credentials.authString !== null || (this.#credentials.keys?.hasKeys() ?? false);
  }

  /** Lets a request in. @throws Unauthorised @throws Refusal 403 for a key of too small a scope, 429 for one who guesses */
  admit(request: AccessRequest): void {
    if (!this.asks() || isOpen(request)) return;
    const scope = this.scopeOfHeader(request.header, request.address);
    if (scope === undefined) throw new Unauthorised("Credentials are missing or wrong.");
    const needed = neededScope(request);
    if (!suffices(scope, needed))
      throw new Refusal(403, `This needs a key of the scope ${needed}; yours is of ${scope}.`);
  }

  /** What a header allows; undefined for nothing. @throws Refusal 429 */
  scopeOfHeader(header: string | undefined, address: string): Scope | undefined {
    const [scheme = "", sent = ""] = (header ?? "").split(" ", 2);
    if (scheme.toLowerCase() === "bearer") return this.scopeOfToken(sent, address);
    if (scheme.toLowerCase() !== "basic") return undefined;
    return this.scopeOfToken(Buffer.from(sent, "base64").toString("utf8"), address);
  }

  /** What a token allows, be it the auth string or a key; undefined for nothing. @throws Refusal 429 */
  scopeOfToken(token: string, address: string): Scope | undefined {
    const colon = token.indexOf(":");
    const password = token.slice(colon + 1);
    if (isWellFormed(password)) return this.#credentials.keys?.scopeOf(password);
    const { authString } = this.#credentials;
    if (authString === null || token === "") return undefined;
    const who = `${address} ${colon < 0 ? "" : token.slice(0, Math.min(colon, 100))}`;
    const waitMs = this.#throttle.blockedForMs(who);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      throw new Refusal(429, `Too many failed logins: try again in ${seconds} s.`, { "retry-after": String(seconds) });
    }
    if (!isSameSecret(token, authString)) {
      this.#throttle.failed(who);
      return undefined;
    }
    this.#throttle.succeeded(who);
    return "admin";
  }
}

function isOpen({ method, path }: AccessRequest): boolean {
  return (method === "GET" || method === "HEAD") && OPEN_PATHS.has(path);
}

/** Compares two secrets in a time that does not depend on where they differ. */
function isSameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(hash("sha256", given, "buffer"), hash("sha256", wanted, "buffer"));
}
