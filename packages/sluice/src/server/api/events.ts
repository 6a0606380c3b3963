import type { Event } from "../../wire/contract/shapes.ts";
import { reply } from "../api-reply.ts";
import { takeEvents } from "../orchestration/take-events.ts";
import type { Handlers } from "./handler.ts";

/** Events over REST; the websocket is in `sockets/events-in.ts`. */
export const eventHandlers: Handlers = {
  "POST /events": async (call, core) => {
    await core.store.write(() => takeEvents(core, call.body as Event[]));
    return reply(204);
  },
};
