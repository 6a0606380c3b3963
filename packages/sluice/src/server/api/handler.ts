import { Refusal, type ApiReply } from "../api-reply.ts";
import type { ServerCore } from "../server-core.ts";

/** A request that has found its route, its body checked by the route's schema. */
export interface RouteCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Of the shape of the route's request schema. */
  readonly body: unknown;
  /** The body as it came, for those whose numbers must stay as they were written. */
  readonly text?: string;
  /** The client's `User-Agent`, by which some rules tell old clients. */
  readonly userAgent?: string;
  /** Where the client reached the server; links in answers begin with it. */
  readonly origin?: string;
  /** Whether a web page asks to show it to somebody. */
  readonly isPage?: boolean;
  /** Ends a request that is being held. */
  readonly signal?: AbortSignal;
}

/** Answers one operation. Throws `Refusal` or `InvalidRequest` for what is the caller's fault. */
export type Handler = (call: RouteCall, core: ServerCore) => Promise<ApiReply>;

/** Handlers by method and path of the route table, as `POST /flows/`. */
export type Handlers = Readonly<Record<string, Handler>>;

/** What a handler that only reads uses. It may run in a thread beside the server, which has nothing else. */
export type ReadingCore = Pick<ServerCore, "store" | "settings">;

/** Handlers that only read. */
export type ReadHandlers = Readonly<Record<string, (call: RouteCall, core: ReadingCore) => Promise<ApiReply>>>;

/** The value of a path parameter, which the route's path names. */
export function param(call: RouteCall, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}

/** Finds something or answers 404. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Refusal(404, `${what} not found`);
  return value;
}
