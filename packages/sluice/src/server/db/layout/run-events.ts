/** How many events of one run are kept as one group at most. */
export const LARGEST_GROUP = 4;

const SECOND = "strftime('%Y-%m-%dT%H:%M:%S', e.occurred / 1000000, 'unixepoch')";
const OCCURRED = `${SECOND} || printf('.%06dZ', e.occurred % 1000000)`;
const STATE_TIME = `${SECOND} || CASE e.occurred % 1000000 WHEN 0 THEN '' ELSE printf('.%06d', e.occurred % 1000000) END || '+00:00'`;
const FOLLOWS = "CASE WHEN e.place > 0 THEN (SELECT p.id FROM event p WHERE p.no = e.no - 1) ELSE e.follows END";

/** JSON of a state of the group, or of a part of it: 0 for the one before the event, 1 for the one after it. */
function stateOf(offset: 0 | 1, part = ""): string {
  return `s.body -> ('$.states[' || (e.place + ${offset}) || ']${part}')`;
}

const BODY = `json_object(
  'occurred', ${OCCURRED},
  'event', e.event,
  'resource', json_object(
    'prefect.resource.id', e.resource_id,
    'prefect.resource.name', s.body -> '$.name',
    'prefect.run-count', s.body -> ('$.counts[' || e.place || ']'),
    'prefect.state-message', json(coalesce(${stateOf(1, ".message")}, '""')),
    'prefect.state-name', ${stateOf(1, ".name")},
    'prefect.state-timestamp', ${STATE_TIME},
    'prefect.state-type', ${stateOf(1, ".type")}),
  'related', s.body -> '$.related',
  'payload', json_object(
    'intended', json_object('from', ${stateOf(0, ".type")}, 'to', ${stateOf(1, ".type")}),
    'initial_state', ${stateOf(0)},
    'validated_state', ${stateOf(1)}),
  'id', e.id,
  'follows', ${FOLLOWS})`;

/** All keys that {@link BODY} has and what the group keeps has not. */
const KEYS =
  "occurred event resource prefect.resource.id prefect.resource.name prefect.run-count prefect.state-message prefect.state-name prefect.state-timestamp prefect.state-type payload intended from to initial_state validated_state id follows null";

function ofGroup(value: string): string {
  return `(SELECT ${value} FROM event s WHERE s.no = e.no - e.place)`;
}

/**
 * The events of a flow run's transitions that were written together are a group: rows whose numbers follow each other. `place` is an event's 0-based place
 * in its group, null for an event that is no member of one. The row at place 0 keeps in `body`, as JSON, what the group shares, its number finds the group in
 * `event_related`; the others keep neither a body nor what they follow, which is the one before them:
 *
 *   {"name": of the run, "related": [...], "states": [the state before the first event or null, then a state an event], "counts": ["0", "1", ...]}
 *
 * Whoever reads events reads the view `event_row`, where each has its whole body: a run of three states needs a third of the bytes so, and half of the time.
 * A body takes 10 us to make; `leader` is the number of the first of the group, `label` what the resource is called, `haystack` a text with all
 * words of the body, and maybe more.
 */
export const RUN_EVENTS_LAYOUT = `
ALTER TABLE event ADD COLUMN place INTEGER;
ALTER TABLE event_related ADD COLUMN events INTEGER NOT NULL DEFAULT 1;
CREATE VIEW event_row AS SELECT e.no, e.id, e.occurred, e.event, e.resource_id, e.received,
  ${FOLLOWS} AS follows,
  e.no - coalesce(e.place, 0) AS leader,
  CASE WHEN e.place IS NULL THEN coalesce(e.body ->> '$.resource."prefect.resource.name"', e.body ->> '$.resource."prefect.name"', e.resource_id)
    ELSE ${ofGroup("s.body ->> '$.name'")} END AS label,
  CASE WHEN e.place IS NULL THEN e.body ELSE ${ofGroup(BODY)} END AS body,
  CASE WHEN e.place IS NULL THEN e.body
    ELSE ${ofGroup(`'${KEYS} ' || e.event || ' ' || e.resource_id || ' ' || e.id || ' ' || coalesce(${FOLLOWS}, '') || ' ' || ${OCCURRED} || ' ' || ${STATE_TIME} || ' ' || s.body`)}
    END AS haystack
  FROM event e;
`;
