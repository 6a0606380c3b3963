import type { ServerResponse } from "node:http";
import type { ApiReply } from "../api-reply.ts";

/** What every answer carries: it is read as what it says it is, is never shown inside another page, and tells other sites nothing. */
const SAFE_HEADERS = [
  "x-content-type-options",
  "nosniff",
  "content-security-policy",
  "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy",
  "no-referrer",
  "cross-origin-resource-policy",
  "same-origin",
] as const;
const JSON_HEADERS = ["content-type", "application/json", ...SAFE_HEADERS] as const;

/** Names and values in turn. */
export type FlatHeaders = readonly string[];

/** What else there is to an answer. */
export interface AnswerExtras {
  /** Further headers, as those of CORS. */
  readonly more?: FlatHeaders;
  /** When the answer may end: until then its connection stays. At once by default. */
  readonly until?: Promise<void> | undefined;
}

/** Writes an answer of the API. */
export function writeAnswer(response: ServerResponse, answer: ApiReply, { more = [], until }: AnswerExtras = {}): void {
  if (response.destroyed) return;
  const { status, body, headers } = answer;
  const own = headers === undefined ? [] : Object.entries(headers).flat();
  const base = body === "" || headers?.["content-type"] !== undefined ? SAFE_HEADERS : JSON_HEADERS;
  const retry = status === 503 && headers?.["retry-after"] === undefined ? ["retry-after", "1"] : [];
  const length = status === 204 || status === 304 ? [] : ["content-length", String(Buffer.byteLength(body))];
  response.writeHead(status, [...base, ...length, ...retry, ...own, ...more]);
  if (until === undefined) return void response.end(body);
  response.write(body);
  void until.then(() => response.end());
}
