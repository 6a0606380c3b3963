import type { ServerSettings } from "../../wire/server-settings.ts";
import type { RouteCall } from "../api/handler.ts";
import type { ApiReply } from "../api-reply.ts";

/** What a reader thread is started with. */
export interface ReaderData {
  readonly databaseFile: string;
  readonly settings: ServerSettings;
}

/** A request that a reader answers; what such requests look at. */
export interface ReadQuestion {
  readonly id: number;
  /** Method and path of the route table. */
  readonly route: string;
  readonly call: Pick<RouteCall, "params" | "body" | "origin">;
  readonly search: string;
  /** The server's clock. */
  readonly nowUs: number;
}

/** A reader's answer, and what nobody foresaw, in words for the server's log. */
export interface ReadAnswer {
  readonly id: number;
  readonly reply: ApiReply;
  readonly fault?: string;
}
