import type { EventCount, EventFilter, ReceivedEvent, TimeUnit } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { Refusal } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import type { Condition } from "../queries/condition.ts";
import { eventCondition, spanOf, type EventSpan } from "./filter-events.ts";

/** What can be counted. */
export type Countable = "day" | "time" | "event" | "resource";

/** A Monday from which buckets of time are counted. */
const PIVOT_US = Date.UTC(2024, 3, 1) * 1000;
const UNIT_SECONDS: Readonly<Record<TimeUnit, number>> = {
  week: 604_800,
  day: 86_400,
  hour: 3600,
  minute: 60,
  second: 1,
};
const MOST_BUCKETS = 1000;
/** Smallest part of a unit that a bucket spans. */
const LEAST_INTERVAL = 0.01;

/** A page of events and how many there are in all. */
export interface EventSlice {
  readonly events: readonly ReceivedEvent[];
  readonly total: number;
}

/** Which events of those that a filter lets pass. */
export interface EventPage {
  readonly span: EventSpan;
  readonly limit: number;
  readonly offset: number;
}

/** Reads a page of events, by the times at which they occurred, and counts them all. */
export function readEvents(store: Store, filter: EventFilter, page: EventPage): EventSlice {
  const where = eventCondition(filter, page.span);
  const counted = filter.resource?.distinct === true ? "count(DISTINCT e.resource_id)" : "count(*)";
  const [count] = store.query(`SELECT ${counted} AS n FROM event_row e WHERE ${where.sql}`, where.parameters);
  return { events: readEventPage(store, filter, page), total: Number(count?.["n"]) };
}

/** Reads a page of events, by the times at which they occurred. */
export function readEventPage(
  store: Store,
  filter: EventFilter,
  { span, limit, offset }: EventPage,
): readonly ReceivedEvent[] {
  const where = eventCondition(filter, span);
  const direction = filter.order === "ASC" ? "ASC" : "DESC";
  const isDistinct = filter.resource?.distinct === true;
  const from = isDistinct
    ? `(SELECT e.no, e.occurred, row_number() OVER (PARTITION BY e.resource_id ORDER BY e.occurred ${direction}) AS place FROM event_row e WHERE ${where.sql}) e WHERE e.place = 1`
    : `event_row e WHERE ${where.sql}`;
  // Only the numbers are sorted: a body is made for what is on the page.
  const numbers = store.query(
    `SELECT e.no FROM ${from} ORDER BY e.occurred ${direction}, e.no ${direction} LIMIT ? OFFSET ?`,
    [...where.parameters, limit, offset],
  );
  const read = store.statement("SELECT body, received FROM event_row WHERE no = ?");
  return numbers.flatMap(({ no }) => read.all(Number(no)).map(({ body, received }) => eventOf(body, received)));
}

/** Reads events that came after a place in the log, in the order of arrival. */
export function readNewEvents(
  store: Store,
  filter: EventFilter,
  { span, after, limit }: { readonly span: EventSpan; readonly after: number; readonly limit: number },
): { readonly events: readonly ReceivedEvent[]; readonly after: number } {
  const where = eventCondition(filter, span);
  const rows = store.query(
    `SELECT e.no, e.body, e.received FROM event_row e WHERE e.no > ? AND ${where.sql} ORDER BY e.no LIMIT ?`,
    [after, ...where.parameters, limit],
  );
  return {
    events: rows.map(({ body, received }) => eventOf(body, received)),
    after: rows.length < limit ? after : Number(rows.at(-1)?.["no"]),
  };
}

/** The event of a row of `event_row`. */
export function eventOf(body: unknown, received: unknown): ReceivedEvent {
  // Written by the log of events.
  const event = JSON.parse(String(body)) as ReceivedEvent;
  return Object.assign(event, { received: microsToIso(Number(received)) });
}

/** How events are counted. */
export interface CountPlan {
  readonly countable: Countable;
  readonly unit: TimeUnit;
  readonly interval: number;
}

/** Counts events by what they are, what they are about, or when they occurred: empty spans of time are counted, too. @throws Refusal 422 for too many spans */
export function countEvents(store: Store, filter: EventFilter, plan: CountPlan): EventCount[] {
  const now = store.nowUs();
  const span = spanOf(filter, now);
  const where = eventCondition(filter, span);
  const { unit, interval } = plan.countable === "day" ? { unit: "day" as const, interval: 1 } : plan;
  // The contract bounds the spans of time whatever is counted.
  checkBuckets(span, plan);
  if (plan.countable === "event" || plan.countable === "resource") return countByValue(store, where, plan.countable);
  const width = Math.round(UNIT_SECONDS[unit] * interval * 1e6);
  const rows = store.query(
    `SELECT (e.occurred - ${PIVOT_US}) / ${width} AS place, count(*) AS n FROM event_row e WHERE ${where.sql} GROUP BY place`,
    where.parameters,
  );
  const counts = new Map(rows.map((row) => [Number(row["place"]), Number(row["n"])]));
  return bucketsOf(span, { now, unit, width }).map((place, index) => {
    const start = PIVOT_US + place * width;
    return {
      value: String(index),
      label: microsToIso(start).replace(".000000Z", "+00:00").replace("Z", "+00:00"),
      count: counts.get(place) ?? 0,
      start_time: microsToIso(start),
      end_time: microsToIso(start + width - 1),
    };
  });
}

function checkBuckets(span: EventSpan, { unit, interval }: CountPlan): void {
  if (interval < LEAST_INTERVAL) throw new Refusal(422, `The minimum interval is ${LEAST_INTERVAL}`);
  const count = Math.ceil((span.untilUs - span.sinceUs) / (UNIT_SECONDS[unit] * interval * 1e6));
  if (count <= MOST_BUCKETS) return;
  throw new Refusal(
    422,
    `The given interval would create ${count} buckets, which is too many. Please increase the interval or reduce the time range to produce ${MOST_BUCKETS} buckets or fewer.`,
  );
}

function bucketsOf(
  { sinceUs, untilUs }: EventSpan,
  { now, unit, width }: { readonly now: number; readonly unit: TimeUnit; readonly width: number },
): number[] {
  const unitUs = UNIT_SECONDS[unit] * 1e6;
  const end = untilUs > now ? PIVOT_US + (Math.floor((now - PIVOT_US) / unitUs) + 1) * unitUs - 1 : untilUs;
  const places: number[] = [];
  for (let place = Math.floor((sinceUs - PIVOT_US) / width); PIVOT_US + place * width < end; place++)
    places.push(place);
  return places;
}

function countByValue(store: Store, where: Condition, countable: "event" | "resource"): EventCount[] {
  const value = countable === "event" ? "e.event" : "e.resource_id";
  const label = countable === "event" ? "e.event" : "e.label";
  // With one max() SQLite takes the other columns from the row that has it: the newest label.
  const rows = store.query(
    `SELECT value, label, sum(n) AS n, min(oldest) AS oldest, max(latest) AS latest FROM (
       SELECT ${value} AS value, ${label} AS label, count(*) AS n, min(e.occurred) AS oldest, max(e.occurred) AS latest
       FROM event_row e WHERE ${where.sql} GROUP BY 1, 2) GROUP BY value ORDER BY n DESC, label`,
    where.parameters,
  );
  return rows.map((row) => ({
    value: String(row["value"]),
    label: String(row["label"]),
    count: Number(row["n"]),
    start_time: microsToIso(Number(row["oldest"])),
    end_time: microsToIso(Number(row["latest"])),
  }));
}
