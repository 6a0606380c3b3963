import type { Event } from "../../wire/schemas/state.ts";
import { reply } from "../api-reply.ts";
import { takeEvents } from "../events/take-events.ts";
import type { Handlers } from "./handler.ts";

/** Events over REST; the websocket is in `events-socket.ts`. */
export const eventHandlers: Handlers = {
  create_events: async (call, { store }) => {
    await store.write(() => takeEvents(store, call.body as Event[]));
    return reply(204);
  },
};
