import type { Event } from "../../wire/contract/shapes.ts";
import type { ApiCall, ApiReply } from "../api-reply.ts";

/** Whoever answers API calls: the core of this process, or the way to the leader of a home. */
export interface ApiAnswerer {
  /** Answers one request. @param signal ends a request that is being held */
  handle(call: ApiCall, signal?: AbortSignal): Promise<ApiReply>;
}

/** Who stores the events that come over a socket. */
export interface EventTaker {
  /** Resolves when the event is durable. */
  takeEvent(event: Event): Promise<unknown>;
  onError(error: unknown): void;
}

/** What is served: the core of this process, or the way to the leader of a home. Sockets reach the core by requests only. */
export type Served = ApiAnswerer & EventTaker;
