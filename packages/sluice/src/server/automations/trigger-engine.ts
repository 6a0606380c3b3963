/**
 * Automations hear the log of events in its order, from where they have heard it last: what their triggers count, the actions that they ask for and the
 * place in the log are written together, so an event is counted once whatever is killed.
 */
import { isoToMicros } from "../../wire/timestamp.ts";
import type { ReceivedEvent } from "../../wire/contract/shapes.ts";
import { countEvent, passTime, type Counted, type EventTrigger, type Span } from "../../rules/triggers/count-events.ts";
import { countingKey, coversEvent } from "../../rules/triggers/event-match.ts";
import { AUTOMATIONS_PLACE } from "../db/layout/automations.ts";
import { newId } from "../db/new-id.ts";
import { eventOf } from "../events/read-events.ts";
import type { Action } from "./actions.ts";
import { automationBody, triggerOf, type AutomationCore, type AutomationRow } from "./automations.ts";
import { eventTriggersOf, neededFirings, type CompoundTrigger, type SequenceTrigger } from "./triggers.ts";

/** Events that are heard in one write. */
const PORTION = 200;

/** An action that is to be done. */
export interface TriggeredAction {
  readonly id: string;
  readonly automation: {
    readonly id: string;
    readonly name: string;
    readonly triggerType: string;
    readonly posture: string | null;
  };
  readonly action: Action;
  readonly index: number;
  readonly triggeredUs: number;
  /** Values of the trigger's `for_each`, by label. */
  readonly labels: Readonly<Record<string, string>>;
  readonly event: ReceivedEvent | null;
  /** Id of the event that told of the firing. */
  readonly triggeredEventId: string;
}

interface Watch {
  readonly row: AutomationRow;
  readonly trigger: EventTrigger;
  readonly parents: readonly (CompoundTrigger | SequenceTrigger)[];
}

/** Hears the next events. @returns true when there may be more */
export async function hearEvents(core: AutomationCore): Promise<boolean> {
  const { store, events } = core;
  const watches = watchesOf(core);
  const head = events.newest();
  const place = placeOf(core) ?? head;
  if (watches.length === 0 || place >= head) {
    // Without automations nothing is counted, so the place is not worth a write for every event.
    if (watches.length > 0 && placeOf(core) === undefined) await store.write(() => setPlace(core, head));
    if (watches.length === 0 && placeOf(core) !== undefined && place < head)
      await store.write(() => setPlace(core, head));
    return false;
  }
  return await store.write(() => {
    const rows = store
      .statement(`SELECT no, body, received FROM event_row WHERE no > ? ORDER BY no LIMIT ${PORTION}`)
      .all(place);
    for (const { body, received } of rows) {
      const event = eventOf(body, received);
      for (const watch of watches) hear(core, watch, event);
    }
    setPlace(core, Number(rows.at(-1)?.["no"] ?? head));
    return rows.length === PORTION;
  });
}

/** Looks at the spans that have ended: what has not happened in time, and what need not be kept. */
export async function passAutomationTime(core: AutomationCore): Promise<void> {
  const { store } = core;
  await store.write(() => {
    const now = store.nowUs();
    for (const watch of watchesOf(core)) {
      const { trigger } = watch;
      if (trigger.posture === "Proactive" && trigger.after.length === 0 && trigger.for_each.length === 0) {
        const open = spanOf(core, trigger.id, "[]");
        if (!open)
          writeSpan(
            core,
            { ...watch, key: "[]" },
            { startUs: now, endUs: now + trigger.within * 1e6, count: 0, lastEvent: null },
          );
      }
      const ended = store
        .statement("SELECT key FROM automation_span WHERE trigger_id = ? AND end_us <= ?")
        .all(trigger.id, now);
      for (const row of ended) {
        const key = String(row["key"]);
        const span = spanOf(core, trigger.id, key);
        if (!span) continue;
        if (trigger.posture === "Reactive") writeSpan(core, { ...watch, key }, null);
        else settle(core, watch, { key, counted: passTime(trigger, span, now) });
      }
    }
  });
}

function watchesOf({ store }: AutomationCore): Watch[] {
  // STRICT table: the columns have these types.
  const rows = store
    .statement("SELECT * FROM automation WHERE enabled = 1 ORDER BY no")
    .all() as unknown as AutomationRow[];
  return rows.flatMap((row) =>
    eventTriggersOf(triggerOf(row)).map(({ trigger, parents }) => ({ row, trigger, parents })),
  );
}

function hear(core: AutomationCore, watch: Watch, event: ReceivedEvent): void {
  const { row, trigger } = watch;
  const resource = event.resource["prefect.resource.id"];
  // What an automation does is no reason for it to do it again.
  if (resource === `prefect.automation.${row.id}` || !coversEvent(trigger, event)) return;
  const key = JSON.stringify(countingKey(trigger.for_each, event));
  const occurredUs = isoToMicros(event.occurred) ?? core.store.nowUs();
  settle(core, watch, {
    key,
    counted: countEvent(trigger, spanOf(core, trigger.id, key) ?? null, { event, occurredUs }),
  });
}

function settle(
  core: AutomationCore,
  watch: Watch,
  { key, counted }: { readonly key: string; readonly counted: Counted },
): void {
  writeSpan(core, { ...watch, key }, counted.span);
  const { trigger } = watch;
  // Written by `hear`.
  const values = JSON.parse(key) as string[];
  const labels = Object.fromEntries(trigger.for_each.toSorted().map((label, index) => [label, values[index] ?? ""]));
  for (const event of counted.fired) fire(core, watch, { event, labels });
}

interface Firing {
  readonly event: ReceivedEvent | null;
  readonly labels: Readonly<Record<string, string>>;
}

function fire(core: AutomationCore, { row, trigger, parents }: Watch, firing: Firing): void {
  let child = trigger.id;
  for (const parent of parents) {
    if (neededFirings(parent) > 1 && !isComplete(core, { row, parent, child, firing })) return;
    child = parent.id;
  }
  act(core, row, { ...firing, ...(parents.length > 0 ? { labels: {} } : {}) });
}

/** Notes that a trigger of a composite one has fired; true when that was the last that it waited for. */
function isComplete(
  { store }: AutomationCore,
  {
    row,
    parent,
    child,
    firing,
  }: {
    readonly row: AutomationRow;
    readonly parent: CompoundTrigger | SequenceTrigger;
    readonly child: string;
    readonly firing: Firing;
  },
): boolean {
  const now = store.nowUs();
  if (parent.within !== null) {
    store
      .statement("DELETE FROM automation_firing WHERE trigger_id = ? AND fired < ?")
      .run(parent.id, now - parent.within * 1e6);
  }
  store
    .statement(
      `INSERT INTO automation_firing (automation_id, trigger_id, child_id, fired, event) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET fired = excluded.fired, event = excluded.event`,
    )
    .run(row.id, parent.id, child, now, firing.event ? JSON.stringify(firing.event) : null);
  const fired = store
    .statement("SELECT child_id FROM automation_firing WHERE trigger_id = ? ORDER BY fired")
    .all(parent.id)
    .map((one) => String(one["child_id"]));
  const isReady =
    parent.type === "sequence"
      ? parent.triggers.every(({ id }, index) => fired[index] === id) && fired.length === parent.triggers.length
      : fired.length >= neededFirings(parent);
  if (isReady) store.statement("DELETE FROM automation_firing WHERE trigger_id = ?").run(parent.id);
  return isReady;
}

/** Tells that an automation has been triggered and asks for its actions. */
function act({ store, events }: AutomationCore, row: AutomationRow, { event, labels }: Firing): void {
  const now = store.nowUs();
  const triggeredEventId = newId(now);
  const trigger = triggerOf(row);
  const posture = trigger.type === "event" ? trigger.posture : null;
  const told = {
    id: triggeredEventId,
    occurredUs: now,
    event: "prefect.automation.triggered",
    resource: {
      "prefect.resource.id": `prefect.automation.${row.id}`,
      "prefect.resource.name": row.name,
      ...(posture === null ? {} : { "prefect.posture": posture }),
    },
    related: event
      ? [{ "prefect.resource.id": `prefect.event.${event.id}`, "prefect.resource.role": "triggering-event" }]
      : [],
    payload: { triggering_labels: labels, triggering_event: event },
  };
  events.append(told);
  const body = automationBody(row);
  const all = [...body.actions, ...(body.actions_on_trigger ?? [])];
  for (const [index, action] of all.entries()) {
    const id = newId(now);
    const triggered: TriggeredAction = {
      id,
      automation: { id: row.id, name: row.name, triggerType: trigger.type, posture },
      action,
      index,
      triggeredUs: now,
      labels,
      event,
      triggeredEventId,
    };
    store.statement("INSERT INTO automation_action (id, body) VALUES (?, ?)").run(id, JSON.stringify(triggered));
  }
}

function spanOf({ store }: AutomationCore, triggerId: string, key: string): Span | undefined {
  const row = store.statement("SELECT * FROM automation_span WHERE trigger_id = ? AND key = ?").get(triggerId, key);
  if (!row) return undefined;
  const last = row["last_event"];
  return {
    startUs: Number(row["start_us"]),
    endUs: Number(row["end_us"]),
    count: Number(row["count"]),
    // Written by `writeSpan`.
    lastEvent: typeof last === "string" ? (JSON.parse(last) as ReceivedEvent) : null,
  };
}

function writeSpan(
  { store }: AutomationCore,
  { row, trigger, key }: Watch & { readonly key: string },
  span: Span | null,
): void {
  if (!span) {
    store.statement("DELETE FROM automation_span WHERE trigger_id = ? AND key = ?").run(trigger.id, key);
    return;
  }
  store
    .statement(
      `INSERT INTO automation_span (automation_id, trigger_id, key, start_us, end_us, count, last_event) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET start_us = excluded.start_us, end_us = excluded.end_us, count = excluded.count, last_event = excluded.last_event`,
    )
    .run(
      row.id,
      trigger.id,
      key,
      span.startUs,
      Math.round(span.endUs),
      span.count,
      span.lastEvent ? JSON.stringify(span.lastEvent) : null,
    );
}

function placeOf({ store }: AutomationCore): number | undefined {
  const row = store.statement("SELECT value FROM setting WHERE key = ?").get(AUTOMATIONS_PLACE);
  return row ? Number(row["value"]) : undefined;
}

function setPlace({ store }: AutomationCore, place: number): void {
  store
    .statement("INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
    .run(AUTOMATIONS_PLACE, String(place));
}
