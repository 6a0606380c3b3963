/**
 * `WS /api/events/in`: clients send events and get no answers.
 *
 * States: *greeting* (sub-protocol `prefect`: the first frame must be `{"type": "auth", "token": …}`, answered with `{"type": "auth_success"}`), then
 * *open*: every frame is one event. Without the sub-protocol a socket is open at once. A ping is answered only after the frames before it are stored:
 * clients take the pong for the confirmation, and send what is unconfirmed again (ids make that harmless).
 *
 * Failures: a frame that is no event closes the socket with 1003 and says why; one that is too large with 1009; a store that cannot write closes with
 * 1011, so that the client sends again.
 */
import type { WebSocket } from "ws";
import type { Event } from "../../wire/contract/shapes.ts";
import { isObject } from "../check-records.ts";
import { valueCheck } from "../request/check-request.ts";

/** Largest frame: a task run's event is some kilobytes. */
export const MAX_FRAME_BYTES = 4_000_000;

/** Who stores the events: the core of this process, or the way to the leader of a home. */
export interface EventTaker {
  /** Resolves when the event is durable. */
  takeEvent(event: Event): Promise<unknown>;
  onError(error: unknown): void;
}

const faultsOfEvent = valueCheck("Event");

/** Serves one socket until it closes. The socket must not answer pings by itself. */
export function serveEventsIn(taker: EventTaker, socket: WebSocket): void {
  let isOpen = socket.protocol !== "prefect";
  let stored: Promise<unknown> = Promise.resolve();
  const fail = (code: number, reason: string): void => socket.close(code, reason.slice(0, 120));
  const take = (frame: string): void => {
    const message = parse(frame);
    if (!isOpen) {
      if (!isObject(message) || message["type"] !== "auth") return fail(1008, "Expected 'auth' message");
      isOpen = true;
      return socket.send(JSON.stringify({ type: "auth_success" }));
    }
    const [fault] = faultsOfEvent(message);
    if (fault) return fail(1003, `Not an event: ${fault.loc.join(".")}: ${fault.msg}`);
    // Just checked to be one.
    stored = taker.takeEvent(message as Event);
    stored.catch((error: unknown) => {
      taker.onError(error);
      fail(1011, "The event could not be stored: send it again");
    });
  };
  // Text frames come as buffers; `RawData` is one of three kinds of bytes.
  socket.on("message", (data) =>
    take(Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as Buffer).toString()),
  );
  socket.on("ping", (data: Buffer) => {
    stored
      .then(() => socket.readyState === socket.OPEN && socket.pong(data))
      .catch((error: unknown) => taker.onError(error));
  });
  socket.on("error", (error) => taker.onError(error));
}

function parse(frame: string): unknown {
  try {
    return JSON.parse(frame);
  } catch {
    return undefined; // Told to the client as "not an event".
  }
}
