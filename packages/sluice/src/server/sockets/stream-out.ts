/**
 * `WS /api/events/out` and `WS /api/logs/out`: clients say what they want to see, and get it as it happens.
 *
 * The first frame is `{"type": "filter", "filter": …}`; anything else, or a filter that is none, closes the socket with 1002. Events that occurred before are
 * sent first unless the frame says `"backfill": false`. The core is asked again when everything has been sent, so a slow client holds no more than one
 * answer; what happens meanwhile stays in the database and comes in the next one.
 */
import type { WebSocket } from "ws";
import { isObject } from "../check-records.ts";
import { answerPings, closeWith, parseFrame, textOf } from "./greeting.ts";
import type { Served } from "./served.ts";

const PROTOCOL_ERROR = 1002;
/** Close code of the websocket protocol: come back soon. */
const SERVICE_RESTART = 1012;

/** A socket that streams, and when it ends. */
interface Stream {
  readonly served: Served;
  readonly socket: WebSocket;
  readonly signal: AbortSignal;
}

/** The first frame of a client. */
interface Wish {
  readonly filter: unknown;
  readonly wantsBackfill: boolean;
}

/** Streams events. */
export function serveEventsOut(served: Served, socket: WebSocket): void {
  serve({ served, socket }, async (stream, { filter, wantsBackfill }) => {
    const sent = new Set<string>();
    let after: unknown;
    for (let offset = 0, isLast = !wantsBackfill; !isLast;) {
      const page = await ask(stream, "events/backfill", { filter, offset });
      const events = listOf(page["events"]);
      after ??= page["after"];
      for (const event of events) sent.add(String(event["id"]));
      await sendAll(stream, events, (event) => ({ type: "event", event }));
      offset += events.length;
      isLast = page["isLast"] !== false || events.length === 0;
    }
    while (!stream.signal.aborted) {
      const news = await ask(stream, "events/tail", { filter, ...(after === undefined ? {} : { after }) });
      const events = listOf(news["events"]).filter((event) => !sent.delete(String(event["id"])));
      after = news["after"];
      await sendAll(stream, events, (event) => ({ type: "event", event }));
    }
  });
}

/** Streams lines of logs; those that are there already are read by `POST /api/logs/filter`. */
export function serveLogsOut(served: Served, socket: WebSocket): void {
  serve({ served, socket }, async (stream, { filter }) => {
    let after: unknown;
    while (!stream.signal.aborted) {
      const news = await ask(stream, "logs/tail", { filter, ...(after === undefined ? {} : { after }) });
      after = news["after"];
      await sendAll(stream, listOf(news["logs"]), (log) => ({ type: "log", log }));
    }
  });
}

function serve(
  { served, socket }: Omit<Stream, "signal">,
  stream: (stream: Stream, wish: Wish) => Promise<void>,
): void {
  answerPings(socket);
  const closing = new AbortController();
  socket.once("close", () => closing.abort());
  socket.once("message", (data) => {
    const message = parseFrame(textOf(data));
    if (!isObject(message) || message["type"] !== "filter")
      return closeWith(socket, PROTOCOL_ERROR, "Expected 'filter' message");
    const wish = { filter: message["filter"], wantsBackfill: message["backfill"] !== false };
    stream({ served, socket, signal: closing.signal }, wish).catch((error: unknown) => {
      if (closing.signal.aborted) return;
      if (error instanceof InvalidFilter) return closeWith(socket, PROTOCOL_ERROR, `Invalid filter: ${error.message}`);
      if (!(error instanceof GoingAway)) served.onError(error);
      closeWith(socket, SERVICE_RESTART, "The server goes away or does not answer: connect again");
    });
  });
}

/** What the core says of a filter that it cannot use. */
class InvalidFilter extends Error {}

/** The core holds nobody any more. */
class GoingAway extends Error {}

async function ask(
  { served, signal }: Stream,
  path: string,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const call = { method: "POST", path: `/api/sluice/${path}`, body: JSON.stringify(body) };
  const { status, body: answer } = await served.handle(call, signal);
  if (status === 503) throw new GoingAway(answer);
  if (status === 422) throw new InvalidFilter(answer);
  const parsed: unknown = status === 200 ? JSON.parse(answer) : undefined;
  if (!isObject(parsed)) throw new Error(`${path} answered ${String(status)}: ${answer}`);
  return parsed;
}

/** Sends frames; resolves when the last of them is on its way, so that a slow client slows its stream and nothing else. */
async function sendAll(
  { socket, signal }: Stream,
  items: readonly Readonly<Record<string, unknown>>[],
  frameOf: (item: Readonly<Record<string, unknown>>) => unknown,
): Promise<void> {
  for (const item of items) {
    if (signal.aborted) return;
    await new Promise<void>((resolve, reject) => {
      socket.send(JSON.stringify(frameOf(item)), (error) => (error ? reject(error) : resolve()));
    });
  }
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
