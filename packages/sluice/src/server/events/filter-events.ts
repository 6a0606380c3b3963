import type {
  EventAnyResourceFilter,
  EventFilter,
  EventNameFilter,
  EventRelatedFilter,
  EventResourceFilter,
} from "../../wire/contract/shapes.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import { LARGEST_GROUP } from "../db/layout/run-events.ts";
import { combine, isAny, isNotAny, type Condition } from "../queries/condition.ts";
import { readTextSearch } from "../queries/text-search.ts";

/** How far back events are looked for unless said otherwise: so many days before the day that is now. */
const DEFAULT_DAYS = 180;
const DAY_US = 86_400_000_000;
/** The places in a group of events, as JSON. */
const PLACES = JSON.stringify(Array.from({ length: LARGEST_GROUP }, (_, place) => place));
const NEVER: Condition = { sql: "0", parameters: [] };

/** From when to when events are looked for, in microseconds. */
export interface EventSpan {
  readonly sinceUs: number;
  readonly untilUs: number;
}

/** The span that a filter asks for. */
export function spanOf(filter: EventFilter, nowUs: number): EventSpan {
  const { since, until } = filter.occurred ?? {};
  return {
    sinceUs: (since ? isoToMicros(since) : undefined) ?? Math.floor(nowUs / DAY_US) * DAY_US - DEFAULT_DAYS * DAY_US,
    untilUs: (until ? isoToMicros(until) : undefined) ?? nowUs,
  };
}

/** Conditions on events, whose view `event_row` is `e`. */
export function eventCondition(filter: EventFilter, { sinceUs, untilUs }: EventSpan): Condition {
  return combine([
    { sql: "e.occurred BETWEEN ? AND ?", parameters: [sinceUs, untilUs] },
    filter.event ? nameCondition(filter.event) : undefined,
    filter.resource ? resourceCondition(filter.resource) : undefined,
    ...listOf(filter.related).map(relatedCondition),
    ...listOf(filter.any_resource).map(anyResourceCondition),
    filter.id?.id?.length ? isAny("e.id", filter.id.id) : undefined,
    filter.text ? textCondition(filter.text.query) : undefined,
  ]);
}

function nameCondition(filter: EventNameFilter): Condition {
  return combine([
    startsWithAny("e.event", filter.prefix),
    not(startsWithAny("e.event", filter.exclude_prefix)),
    filter.name?.length ? isAny("e.event", filter.name) : undefined,
    filter.exclude_name?.length ? isNotAny("e.event", filter.exclude_name) : undefined,
  ]);
}

function resourceCondition(filter: EventResourceFilter): Condition {
  return combine([
    filter.id?.length ? isAny("e.resource_id", filter.id) : undefined,
    startsWithAny("e.resource_id", filter.id_prefix),
    filter.labels ? labelsCondition("e.body -> '$.resource'", filter.labels) : undefined,
  ]);
}

function relatedCondition(filter: EventRelatedFilter): Condition | undefined {
  const pairs = filter.resources_in_roles ?? [];
  const index = combine([
    filter.id?.length ? isAny("x.resource_id", filter.id) : undefined,
    filter.role?.length ? isAny("x.role", filter.role) : undefined,
    pairs.length > 0
      ? combine(
          pairs.map(([id, role]) => ({ sql: "(x.resource_id = ? AND x.role = ?)", parameters: [id, role] })),
          "or_",
        )
      : undefined,
  ]);
  if (!filter.labels) return index.sql === "1" ? undefined : inRelated(index);
  const labels = labelsCondition("r.value", filter.labels);
  return {
    sql: `EXISTS (SELECT 1 FROM json_each(e.body, '$.related') r
      JOIN event_related x ON x.event_no = e.leader AND x.resource_id = r.value ->> '$."prefect.resource.id"' WHERE ${index.sql} AND ${labels.sql})`,
    parameters: [...index.parameters, ...labels.parameters],
  };
}

function anyResourceCondition(filter: EventAnyResourceFilter): Condition | undefined {
  const of = (column: string): Condition | undefined => {
    const parts = [filter.id?.length ? isAny(column, filter.id) : undefined, startsWithAny(column, filter.id_prefix)];
    return parts.some(Boolean) ? combine(parts) : undefined;
  };
  const [own, related] = [of("e.resource_id"), of("x.resource_id")];
  if (!filter.labels) return own && related ? combine([own, inRelated(related)], "or_") : undefined;
  const [ownLabels, relatedLabels] = [
    labelsCondition("e.body -> '$.resource'", filter.labels),
    labelsCondition("r.value", filter.labels),
  ];
  const idOfRelated = of(`r.value ->> '$."prefect.resource.id"'`);
  const within = combine([idOfRelated, relatedLabels]);
  const exists = {
    sql: `EXISTS (SELECT 1 FROM json_each(e.body, '$.related') r WHERE ${within.sql})`,
    parameters: within.parameters,
  };
  return combine([combine([own, ownLabels]), exists], "or_");
}

function inRelated({ sql, parameters }: Condition): Condition {
  return {
    sql: `e.no IN (SELECT x.event_no + k.value FROM event_related x JOIN json_each('${PLACES}') k ON k.value < x.events WHERE ${sql})`,
    parameters,
  };
}

/** Labels of a resource, each of which must match one of its patterns: `*` for any text, `?` for any character, `!` before what must not be. */
function labelsCondition(resource: string, labels: Readonly<Record<string, string | readonly string[]>>): Condition {
  return combine(
    Object.entries(labels).map(([label, given]) => {
      const patterns = typeof given === "string" ? [given] : given;
      if (patterns.length === 0) return NEVER;
      const path = `$.${JSON.stringify(label)}`;
      return combine(
        patterns.map((pattern) => ({
          sql: `(${resource} ->> ?) ${pattern.startsWith("!") ? "NOT LIKE" : "LIKE"} ? ESCAPE '\\'`,
          parameters: [path, likeOf(pattern.replace(/^!/, ""))],
        })),
        "or_",
      );
    }),
  );
}

function likeOf(pattern: string): string {
  return pattern
    .replaceAll(/[\\%_]/g, String.raw`\$&`)
    .replaceAll("*", "%")
    .replaceAll("?", "_");
}

function startsWithAny(column: string, prefixes: readonly string[] | null | undefined): Condition | undefined {
  if (!prefixes?.length) return undefined;
  return {
    sql: `EXISTS (SELECT 1 FROM json_each(?) s WHERE substr(${column}, 1, length(s.value)) = s.value)`,
    parameters: [JSON.stringify(prefixes)],
  };
}

function not(condition: Condition | undefined): Condition | undefined {
  return condition && { sql: `NOT ${condition.sql}`, parameters: condition.parameters };
}

function textCondition(query: string): Condition | undefined {
  const { include, exclude, required } = readTextSearch(query);
  const holds = (word: string): Condition => {
    const found = "instr(lower(e.event || ' ' || e.body), ?) > 0";
    const parameter = word.toLowerCase();
    // What JSON is made of may be between two words that the haystack has apart.
    if (/^:|[^\w.:+-]/.test(parameter)) return { sql: found, parameters: [parameter] };
    return { sql: `(instr(lower(e.haystack), ?) > 0 AND ${found})`, parameters: [parameter, parameter] };
  };
  return combine([
    include.length > 0 ? combine(include.map(holds), "or_") : undefined,
    ...exclude.map((word) => not(holds(word))),
    ...required.map(holds),
  ]);
}

function listOf<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === null || value === undefined) return [];
  // A list is told by being one: filters are objects.
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
