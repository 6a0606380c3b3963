/**
 * How every websocket of the server begins.
 *
 * A client of the sub-protocol `prefect` pings, waits for the pong, and sends `{"type": "auth", "token": …}`, which is answered with
 * `{"type": "auth_success"}`; anything else, a wrong token where the server asks for one, or silence closes the socket with 1008. A client without the
 * sub-protocol is an old one: its socket is open at once, and it is let in only by a server that asks for no credentials.
 *
 * A socket whose other end does not answer a ping for {@link SILENCE_MS} is cut, so that what it holds is given back.
 */
import type { WebSocket } from "ws";
import { readBody } from "../read-body.ts";

/** What a client must say to be let in. */
export interface Greeting {
  /** Tells whether a token is the right one; null when the server asks for none. */
  readonly isToken: ((token: string) => boolean) | null;
  /** Said to whoever is refused, in place of the usual reasons. */
  readonly refusal?: string | undefined;
}

/** Close code of the websocket protocol for a client that breaks the rules of the server. */
export const POLICY_VIOLATION = 1008;

const GREETING_MS = 10_000;
const SILENCE_MS = 20_000;
/** A reason for closing is at most 123 bytes long. */
const MAX_REASON_BYTES = 123;

/**
 * Greets a client, then calls `open` once, in the same turn as the last frame of the greeting: whoever serves the socket misses no frame.
 *
 * Pings are answered during the greeting; afterwards they are the business of whoever serves, see {@link answerPings}.
 */
export function greet(socket: WebSocket, greeting: Greeting, open: () => void): void {
  watchForSilence(socket);
  if (socket.protocol !== "prefect") return open();
  const pong = (data: Buffer): void => socket.pong(data);
  const timer = setTimeout(() => refuse("Expected 'auth' message"), GREETING_MS);
  const end = (): void => {
    clearTimeout(timer);
    socket.off("ping", pong);
    socket.off("message", hear);
  };
  const refuse = (reason: string): void => {
    end();
    closeWith(socket, POLICY_VIOLATION, greeting.refusal ?? reason);
  };
  const hear = (data: unknown): void => {
    const fault = faultOf(parseFrame(textOf(data)), greeting);
    if (fault !== undefined) return refuse(fault);
    end();
    socket.send('{"type": "auth_success"}');
    open();
  };
  socket.on("ping", pong);
  socket.on("message", hear);
  socket.once("close", end);
}

/** Answers every ping of the client at once, for a socket whose pongs confirm nothing. */
export function answerPings(socket: WebSocket): void {
  socket.on("ping", (data: Buffer) => socket.pong(data));
}

/** Closes a socket and says why, in as many bytes as a frame has. What the client sends until it has heard of it is not looked at. */
export function closeWith(socket: WebSocket, code: number, reason: string): void {
  socket.removeAllListeners("message");
  let text = reason.slice(0, MAX_REASON_BYTES);
  while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
  socket.close(code, text);
}

/** The text of a frame, as `ws` hands it over. */
export function textOf(data: unknown): string {
  // `ws` gives a text frame as bytes: one buffer, its pieces, or an ArrayBuffer.
  return Array.isArray(data) ? Buffer.concat(data as Buffer[]).toString() : Buffer.from(data as Buffer).toString();
}

/**
 * What a frame says, its text without what no database keeps; undefined when it is no JSON, or nested too deep, or holds too many items: see `readBody`.
 *
 * A client sends an event again whose socket was closed, so a character that cannot be stored must not close it.
 */
export function parseFrame(frame: string): unknown {
  try {
    return readBody(frame, { isRepaired: true });
  } catch {
    return undefined; // Told to the client as a frame of the wrong kind.
  }
}

function faultOf(message: unknown, { isToken }: Greeting): string | undefined {
  if (typeof message !== "object" || message === null || !("type" in message) || message.type !== "auth")
    return "Expected 'auth' message";
  if (isToken === null) return undefined;
  const token = "token" in message ? message.token : undefined;
  if (typeof token !== "string" || token === "") return "Auth required but no token provided";
  return isToken(token) ? undefined : "Invalid token";
}

function watchForSilence(socket: WebSocket): void {
  let isAlive = true;
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, SILENCE_MS);
  timer.unref();
  socket.on("pong", () => (isAlive = true));
  socket.on("message", () => (isAlive = true));
  socket.once("close", () => clearInterval(timer));
}
