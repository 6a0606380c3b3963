import { InvalidRequest } from "../api-reply.ts";
import { valueFault } from "./faults.ts";

const SLUG = /^[a-z0-9-]*$/;

/**
 * Refuses a name that holds more than small letters, digits and dashes.
 *
 * @param what it is the name of, as the contract calls it
 * @throws InvalidRequest
 */
export function checkSlug(what: string, field: "slug" | "name" | "key", body: Readonly<Record<string, unknown>>): void {
  const value = body[field];
  if (typeof value !== "string" || SLUG.test(value)) return;
  const reason = `${what} must only contain lowercase letters, numbers, and dashes.`;
  throw new InvalidRequest([valueFault(["body", field], reason, value)], body);
}
