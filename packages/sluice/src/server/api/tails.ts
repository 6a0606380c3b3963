import type { EventFilter, LogFilter } from "../../wire/contract/shapes.ts";
import { InvalidRequest, reply } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { newestEvent } from "../events/event-log.ts";
import { spanOf } from "../events/filter-events.ts";
import { readEventPage, readNewEvents } from "../events/read-events.ts";
import { readNewLogs } from "../queries/read-logs.ts";
import { valueCheck } from "../request/check-request.ts";
import type { Handlers, ReadHandlers, RouteCall } from "./handler.ts";

/** How long a question is held when there is nothing new; the socket asks again at once. */
const HOLD_MS = 10_000;
/** Most events or lines of an answer. */
const PORTION = 200;
/** Events of a backfill in one answer. */
const BACKFILL = 250;

const faultsOfEventFilter = valueCheck("EventFilter");
const faultsOfLogFilter = valueCheck("LogFilter");

/** What the websockets that stream events and logs ask of the core: see `sockets/stream-out.ts`. */
export const tailHandlers: Handlers = {
  "POST /sluice/events/tail": async (call, { store, events, bell }) => {
    const filter = eventFilterOf(call);
    const { after } = numbersOf(call, ["after"]);
    const signal = heldUntil(call);
    let place = after ?? events.newest();
    for (;;) {
      const head = events.newest();
      const span = filter.occurred?.until
        ? spanOf(filter, store.nowUs())
        : { ...spanOf(filter, store.nowUs()), untilUs: Number.MAX_SAFE_INTEGER };
      const found = head > place ? readNewEvents(store, filter, { span, after: place, limit: PORTION }) : undefined;
      // Fewer than a portion: everything up to the head has been looked at.
      if (found) place = found.after === place ? head : found.after;
      if (found?.events.length || signal.aborted) return reply(200, { events: found?.events ?? [], after: place });
      await bell.next(signal);
    }
  },
  "POST /sluice/logs/tail": async (call, { store, bell }) => {
    const filter = bodyOf(call)["filter"];
    const [fault] = faultsOfLogFilter(filter);
    if (fault) throw new InvalidRequest([fault], call.body);
    const { after } = numbersOf(call, ["after"]);
    const signal = heldUntil(call);
    let place = after;
    for (;;) {
      // Just checked to be one.
      const found = readNewLogs(store, filter as LogFilter, { after: place, limit: PORTION });
      place = found.after;
      if (found.logs.length > 0 || signal.aborted) return reply(200, { logs: found.logs, after: place });
      await bell.next(signal);
    }
  },
};

/** What comes before a stream of events. */
export const backfillHandlers: ReadHandlers = {
  "POST /sluice/events/backfill": async (call, { store, settings }) => {
    const filter = eventFilterOf(call);
    const { offset = 0 } = numbersOf(call, ["offset"]);
    const now = store.nowUs();
    const asked = spanOf(filter, now);
    const span = { ...asked, sinceUs: Math.max(asked.sinceUs, now - settings.eventsBackfillSeconds * 1e6) };
    const { events, after } = await store.read(() => ({
      after: offset === 0 ? newestEvent(store) : 0,
      events: readEventPage(store, { ...filter, order: "ASC" }, { span, limit: BACKFILL, offset }),
    }));
    return reply(200, { events, isLast: events.length < BACKFILL, after });
  },
};

function heldUntil({ signal }: RouteCall): AbortSignal {
  const held = AbortSignal.timeout(HOLD_MS);
  return signal ? AbortSignal.any([held, signal]) : held;
}

function eventFilterOf(call: RouteCall): EventFilter {
  const filter = bodyOf(call)["filter"] ?? {};
  const [fault] = faultsOfEventFilter(filter);
  if (fault) throw new InvalidRequest([fault], call.body);
  return filter;
}

function bodyOf({ body }: RouteCall): Readonly<Record<string, unknown>> {
  if (isObject(body)) return body;
  throw new InvalidRequest([{ loc: ["body"], msg: "Input should be a valid object", type: "model_type" }]);
}

function numbersOf<K extends string>(call: RouteCall, names: readonly K[]): Partial<Record<K, number>> {
  const body = bodyOf(call);
  const numbers: Partial<Record<K, number>> = {};
  for (const name of names) {
    const value = body[name];
    if (typeof value === "number") numbers[name] = value;
  }
  return numbers;
}
