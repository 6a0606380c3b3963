/**
 * `WS /api/events/in`: clients send events and get no answers.
 *
 * After the greeting every frame is one event. A ping is answered only after the frames before it are stored: clients take the pong for the
 * confirmation, and send what is unconfirmed again (ids make that harmless).
 *
 * Failures: a frame that is no event closes the socket with 1003 and says why; one that is too large with 1009; a store that cannot write closes with
 * 1011, so that the client sends again.
 */
import type { WebSocket } from "ws";
import type { Event } from "../../wire/contract/shapes.ts";
import { valueCheck } from "../request/check-request.ts";
import { closeWith, parseFrame, textOf } from "./greeting.ts";
import type { EventTaker } from "./served.ts";

const faultsOfEvent = valueCheck("Event");
/** Events of one socket that wait to be stored: a client that sends faster is not read for a while, and waits in its turn. */
const MAX_WAITING = 1000;

/** Serves one greeted socket until it closes. */
export function serveEventsIn(taker: EventTaker, socket: WebSocket): void {
  let stored: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const settle = (): void => {
    if (--waiting < MAX_WAITING / 2 && socket.isPaused) socket.resume();
  };
  socket.on("message", (data) => {
    const message = parseFrame(textOf(data));
    const [fault] = faultsOfEvent(message);
    if (fault) return closeWith(socket, 1003, `Not an event: ${fault.loc.join(".")}: ${fault.msg}`);
    // Just checked to be one.
    stored = taker.takeEvent(message as Event);
    if (++waiting >= MAX_WAITING) socket.pause();
    stored.then(settle, (error: unknown) => {
      settle();
      taker.onError(error);
      closeWith(socket, 1011, "The event could not be stored: send it again");
    });
  });
  socket.on("ping", (data: Buffer) => {
    stored
      .then(() => socket.readyState === socket.OPEN && socket.pong(data))
      .catch((error: unknown) => taker.onError(error));
  });
}
