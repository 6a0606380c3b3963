import type { CountAccountEventsBody, Event, EventFilter, ReadEventsBody } from "../../wire/contract/shapes.ts";
import { InvalidRequest, Refusal, reply, type ApiReply, type Fault } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { storeEvents } from "../orchestration/take-events.ts";
import { spanOf, type EventSpan } from "../events/filter-events.ts";
import { countEvents, readEvents, type Countable } from "../events/read-events.ts";
import { valueCheck } from "../request/check-request.ts";
import { valueFault } from "../request/faults.ts";
import { param, type Handlers, type ReadHandlers, type ReadingCore } from "./handler.ts";

/** Most events of a page, and the number when a request says none. */
const PAGE = 50;
const faultsOfFilter = valueCheck("EventFilter");

/** Events over REST; the websockets are in `sockets/`. Bodies have the shapes of the route table's schemas. */
export const eventHandlers: Handlers = {
  "POST /events": async (call, core) => {
    const events = call.body as Event[];
    const faults = events.flatMap(faultsOfResources);
    if (faults.length > 0) throw new InvalidRequest(faults, events);
    await storeEvents(core, events);
    return reply(204);
  },
};

/** Pages and counts of events. */
export const eventListHandlers: ReadHandlers = {
  "POST /events/filter": async (call, core) => {
    const { filter, limit = PAGE } = call.body as ReadEventsBody;
    const asked = filter ?? {};
    return await pageOf(
      core,
      { filter: asked, limit, offset: 0, span: spanOf(asked, core.store.nowUs()) },
      call.origin,
    );
  },
  "GET /events/filter/next": async (call, core) => {
    const place = readToken(call.query.get("page-token") ?? "");
    if (!place) throw new Refusal(403, "Forbidden");
    return await pageOf(core, place, call.origin);
  },
  "POST /events/count-by/{countable}": async (call, { store }) => {
    const { filter, time_unit: unit = "day", time_interval: interval = 1 } = call.body as CountAccountEventsBody;
    // Checked by the route's parameter.
    const countable = param(call, "countable") as Countable;
    return reply(200, await store.read(() => countEvents(store, filter, { countable, unit, interval })));
  },
};

/** Every resource has an id, and a related one a role: no schema says so. */
function faultsOfResources({ resource, related = [] }: Event, index: number): Fault[] {
  const faultOf = (labels: Readonly<Record<string, string>>, names: readonly string[], loc: (string | number)[]) =>
    names.flatMap((name) => {
      if (labels[name]) return [];
      const reason =
        labels[name] === undefined ? `Resources must include the ${name} label` : `The ${name} label must be non-empty`;
      return [valueFault(["body", index, ...loc], reason, labels)];
    });
  const roles = related.flatMap((one, place) =>
    faultOf(one, ["prefect.resource.id", "prefect.resource.role"], ["related", place]),
  );
  return [...faultOf(resource, ["prefect.resource.id"], ["resource"]), ...roles];
}

/** Where a page begins, and of what. */
interface PagePlace {
  readonly filter: EventFilter;
  readonly span: EventSpan;
  readonly limit: number;
  readonly offset: number;
}

async function pageOf({ store }: ReadingCore, place: PagePlace, origin: string | undefined): Promise<ApiReply> {
  const { events, total } = await store.read(() => readEvents(store, place.filter, place));
  const offset = place.offset + place.limit;
  const next = offset < total ? tokenOf({ ...place, offset }) : null;
  const path = next === null ? null : `${origin ?? ""}/api/events/filter/next?page-token=${next}`;
  return reply(200, { events, total, next_page: path });
}

function tokenOf(place: PagePlace): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** Reads the token of a page; what it holds is checked as if it had come in a body. */
function readToken(token: string): PagePlace | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (!isObject(place)) return undefined;
    const { filter, span, limit, offset } = place;
    if (!isObject(span) || faultsOfFilter(filter).length > 0) return undefined;
    const { sinceUs, untilUs } = span;
    if (![limit, offset, sinceUs, untilUs].every((one) => Number.isSafeInteger(one) && Number(one) >= 0))
      return undefined;
    const size = Math.min(Number(limit), PAGE);
    return {
      // Just checked to be one.
      filter: filter as EventFilter,
      span: { sinceUs: Number(sinceUs), untilUs: Number(untilUs) },
      limit: size,
      offset: Number(offset),
    };
  } catch {
    return undefined; // Told to the client as a token that is none.
  }
}
