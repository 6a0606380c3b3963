/**
 * The events: one log in the order of arrival, written in the transaction of what happened, and told to listeners after its commit.
 *
 * Whoever makes something happen calls {@link EventLog.append} inside the same write, so there is no event without its cause and no cause without its
 * event. Listeners read the log behind a commit, never from memory: what was undone was never told.
 */
import { microsToIso } from "../../wire/timestamp.ts";
import type { ReceivedEvent } from "../../wire/contract/shapes.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";

/** Something that happened. */
export interface NewEvent {
  /** A new one when left out. An id that is in the log already changes nothing. */
  readonly id?: string;
  /** Microseconds; now when left out. */
  readonly occurredUs?: number;
  /** As `prefect.flow-run.Running`. */
  readonly event: string;
  /** With `prefect.resource.id`. */
  readonly resource: Readonly<Record<string, string>>;
  /** Each with `prefect.resource.id` and `prefect.resource.role`. */
  readonly related?: readonly Readonly<Record<string, string>>[];
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Id of the event that this one comes after. */
  readonly follows?: string | null;
}

/** Hears of events in the order of the log, after they are durable. */
export type EventListener = (events: readonly ReceivedEvent[]) => void;

/** Events read in one go when listeners are told. */
const PORTION = 1000;

/** The place of the newest event in the log; 0 for an empty one. */
export function newestEvent(store: Store): number {
  return Number(store.statement("SELECT max(no) AS no FROM event").get()?.["no"] ?? 0);
}

/** The log of events; see the head of the file. */
export class EventLog {
  readonly #store: Store;
  readonly #listeners = new Set<EventListener>();
  #told = 0;
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
    if (changes === 0) return;
    for (const one of related) {
      this.#store
        .statement("INSERT INTO event_related (resource_id, event_no, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .run(one["prefect.resource.id"] ?? "", lastInsertRowid, one["prefect.resource.role"] ?? "");
    }
  }

  /** Tells `listener` of every event from now on, until the returned function is called. */
  listen(listener: EventListener): () => void {
    if (this.#listeners.size === 0) this.#told = this.newest();
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
    if (this.#listeners.size === 0) return;
    const query = this.#store.statement(
      `SELECT no, body, received FROM event WHERE no > ? ORDER BY no LIMIT ${PORTION}`,
    );
    for (let rows = query.all(this.#told); rows.length > 0; rows = query.all(this.#told)) {
      this.#told = Number(rows.at(-1)?.["no"]);
      const events = rows.map((row): ReceivedEvent => {
        // Written by `append`.
        const body = JSON.parse(String(row["body"])) as ReceivedEvent;
        return Object.assign(body, { received: microsToIso(Number(row["received"])) });
      });
      for (const listener of this.#listeners) listener(events);
    }
  }
}
