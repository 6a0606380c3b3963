/**
 * Tokens by which a server knows that a change comes from a client that it has answered before, and not from a page that knows only its address.
 *
 * A token is signed with a secret of this process and says when it ends; nothing is stored. After a restart clients ask for a new one, as they do when
 * one has expired.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Refusal } from "../api-reply.ts";

/** A token as it is answered. */
export interface CsrfToken {
  readonly token: string;
  readonly client: string;
  /** ISO instant. */
  readonly expiration: string;
}

const CHANGES: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** Makes and knows the tokens of one server. */
export class CsrfTokens {
  readonly #secret = randomBytes(32);
  readonly #seconds: number;
  readonly #nowMs: () => number;

  /** @param seconds how long a token is good */
  constructor(seconds: number, nowMs: () => number = Date.now) {
    this.#seconds = seconds;
    this.#nowMs = nowMs;
  }

  issue(client: string): CsrfToken {
    const endMs = this.#nowMs() + this.#seconds * 1000;
    return {
      token: `${endMs.toString(36)}-${this.#sign(client, endMs)}`,
      client,
      expiration: new Date(endMs).toISOString(),
    };
  }

  /** Refuses a change without a token of its client, in the contract's words. @throws Refusal 403 */
  check(method: string, token: string | undefined, client: string | undefined): void {
    if (!CHANGES.has(method)) return;
    if (token === undefined) throw new Refusal(403, "Missing CSRF token.");
    if (client === undefined) throw new Refusal(403, "Missing client identifier.");
    if (!this.#isGood(token, client)) throw new Refusal(403, "Invalid CSRF token or client identifier.");
  }

  #isGood(token: string, client: string): boolean {
    const [end = "", signature = ""] = token.split("-", 2);
    const endMs = Number.parseInt(end, 36);
    const wanted = this.#sign(client, endMs);
    if (signature.length !== wanted.length || !timingSafeEqual(Buffer.from(signature), Buffer.from(wanted)))
      return false;
    return endMs > this.#nowMs();
  }

  #sign(client: string, endMs: number): string {
    return createHmac("sha256", this.#secret).update(`${endMs} ${client}`).digest("hex");
  }
}
