/**
 * The events: one log in the order of arrival, written in the transaction of what happened, and told to listeners after its commit.
 *
 * Whoever makes something happen calls {@link EventLog.append} inside the same write, so there is no event without its cause and no cause without its
 * event. Whoever listens hears that there are new ones and reads the log behind the commit: what was undone was never told. Reading is by the view
 * `event_row`, where every event has its whole body, see `db/layout/run-events.ts`.
 */
import { microsToIso } from "../../wire/timestamp.ts";
import { LARGEST_GROUP } from "../db/layout/run-events.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";

/** Something that an event is about: with `prefect.resource.id`, and `prefect.resource.role` where it is a related one. */
export type Resource = Readonly<Record<string, string>>;

/** Something that happened. */
export interface NewEvent {
  /** A new one when left out. An id that is in the log already changes nothing. */
  readonly id?: string;
  /** Microseconds; now when left out. */
  readonly occurredUs?: number;
  /** As `prefect.flow-run.Running`. */
  readonly event: string;
  readonly resource: Resource;
  readonly related?: readonly Resource[];
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Id of the event that this one comes after. */
  readonly follows?: string | null;
}

/** What the event of a transition says of a state: its `type` and `name`, and what else there is to say. */
export type StateOfEvent = Readonly<Record<string, string>>;

/** Transitions of one run that are written together. */
export interface RunTransitions {
  /** As `prefect.flow-run.<id>`. */
  readonly resourceId: string;
  /** Name of the run. */
  readonly name: string;
  readonly related: readonly Resource[];
  /** The state before the first transition. */
  readonly before: StateOfEvent | null;
  /** At least one. */
  readonly events: readonly RunTransition[];
}

/** A transition as its event tells of it; see {@link NewEvent}. */
export interface RunTransition {
  readonly id: string;
  readonly occurredUs: number;
  readonly event: string;
  /** Id of the transition before it; null where that is long ago, or for the first. */
  readonly follows: string | null;
  readonly state: StateOfEvent;
  /** How often the run has entered RUNNING by then. */
  readonly runCount: number;
}

/** Members of a group occurred within so many microseconds of its first one: they are taken away together when that one is old enough. */
const GROUP_SPAN_US = 60_000_000;

/** The place of the newest event in the log; 0 for an empty one. */
export function newestEvent(store: Store): number {
  return Number(store.statement("SELECT max(no) AS no FROM event").get()?.["no"] ?? 0);
}

/** The first events that can be one group. */
function groupOf(events: readonly RunTransition[]): readonly RunTransition[] {
  const first = events[0]?.occurredUs ?? 0;
  const far = events.findIndex(({ occurredUs }) => Math.abs(occurredUs - first) > GROUP_SPAN_US);
  return events.slice(0, far === -1 ? LARGEST_GROUP : Math.min(LARGEST_GROUP, far));
}

/** The log of events; see the head of the file. */
export class EventLog {
  readonly #store: Store;
  readonly #listeners = new Set<() => void>();
  #hasNew = false;

  constructor(store: Store) {
    this.#store = store;
    store.onCommit(() => this.#tell());
  }

  /** Writes an event. Runs inside a write. */
  append(event: NewEvent): void {
    const now = this.#store.nowUs();
    const { resource, related = [], payload = {}, follows = null } = event;
    const occurredUs = event.occurredUs ?? now;
    const id = event.id ?? newId(occurredUs);
    const body = { occurred: microsToIso(occurredUs), event: event.event, resource, related, payload, id, follows };
    const { changes, lastInsertRowid } = this.#store
      .statement(
        `INSERT INTO event (id, occurred, event, resource_id, follows, body, received) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      )
      .run(id, occurredUs, event.event, resource["prefect.resource.id"] ?? "", follows, JSON.stringify(body), now);
    this.#hasNew = true;
    if (changes > 0) this.#relate(Number(lastInsertRowid), related, 1);
  }

  /** Writes the events of transitions; those whose ids are in the log already change nothing. Runs inside a write. */
  appendTransitions(run: RunTransitions): void {
    let { before, events } = run;
    while (events.length > 0) {
      const group = groupOf(events);
      const written = this.#appendGroup({ ...run, before, events: group });
      // The one at which the group ended early is there already: a run that was deleted has been made again.
      const passed = written < group.length ? written + 1 : written;
      before = group[passed - 1]?.state ?? null;
      events = events.slice(passed);
    }
  }

  /** @returns how many were written before the first that is there already */
  #appendGroup({ resourceId, name, related, before, events }: RunTransitions): number {
    const now = this.#store.nowUs();
    const states = [before, ...events.map(({ state }) => state)];
    const shared = JSON.stringify({ name, related, states, counts: events.map(({ runCount }) => String(runCount)) });
    // A statement a row: SQLite writes the many rows of one statement by a detour that takes longer.
    const insert = this.#store.statement(
      `INSERT INTO event (id, occurred, event, resource_id, follows, body, received, place) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    let place = 0;
    let leader = 0;
    for (const { id, occurredUs, event, follows } of events) {
      const isFirst = place === 0;
      const { changes, lastInsertRowid } = insert.run(
        id,
        occurredUs,
        event,
        resourceId,
        isFirst ? follows : null,
        isFirst ? shared : "",
        now,
        place,
      );
      if (changes === 0) break;
      if (isFirst) leader = Number(lastInsertRowid);
      place++;
    }
    if (place > 0) {
      this.#hasNew = true;
      this.#relate(leader, related, place);
    }
    return place;
  }

  /** Notes what events are about besides their resource: so many events, from a number on. */
  #relate(no: number, related: readonly Resource[], events: number): void {
    for (const one of related) {
      this.#store
        .statement(
          "INSERT INTO event_related (resource_id, event_no, role, events) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .run(one["prefect.resource.id"] ?? "", no, one["prefect.resource.role"] ?? "", events);
    }
  }

  /** Calls `listener` after each commit that has brought events, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The place of the newest event in the log; 0 for an empty one. */
  newest(): number {
    return newestEvent(this.#store);
  }

  #tell(): void {
    if (!this.#hasNew) return;
    this.#hasNew = false;
    for (const listener of this.#listeners) listener();
  }
}
