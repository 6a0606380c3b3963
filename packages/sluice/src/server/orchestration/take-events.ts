/**
 * Takes events that clients send.
 *
 * The events of task runs that a client orchestrates (`prefect.orchestration: client`) *are* those task runs: each is one transition, whose state has
 * the event's id and time. They come in any order and more than once; a run's history is kept in order of time, and what is repeated of its newest
 * transition follows. Every other event is kept as it is, once per id.
 */
import { STATE_TYPES, type StateType } from "../../wire/state-types.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import type { Event } from "../../wire/contract/shapes.ts";
import { isObject } from "../check-records.ts";
import type { Store } from "../db/store.ts";
import type { EventLog } from "../events/event-log.ts";
import type { TaskRunDetails, TaskRunRow } from "../db/task-run-table.ts";
import { decodeTransitions, encodeTransitions, type StoredTransition } from "../db/transitions.ts";
import { totalsOfHistory } from "./run-history.ts";

/** Where events go: task runs into the store, all into the log. */
export interface EventTarget {
  readonly store: Store;
  readonly events: EventLog;
}

const TASK_RUN = "prefect.task-run.";
const FLOW_RUN = "prefect.flow-run.";
const TYPES: ReadonlySet<string> = new Set(STATE_TYPES);

/** Events that are stored at a stretch: some 10 ms. */
const PORTION = 500;

/**
 * Stores the events, in portions between which others have their turn. Resolves when all are durable; what fails in the middle leaves the portions before it, and is
 * made good by sending all again, since an event is stored once.
 */
export async function storeEvents(core: EventTarget, events: readonly Event[]): Promise<void> {
  for (let from = 0; from < events.length; from += PORTION) {
    const portion = events.slice(from, from + PORTION);
    // oxlint-disable-next-line no-await-in-loop -- one after the other, so that others have their turn
    await core.store.write(() => takeEvents(core, portion));
  }
}

/** Stores events. Runs inside a write. */
export function takeEvents(core: EventTarget, events: readonly Event[]): void {
  for (const event of events) {
    takeTaskRunEvent(core.store, event);
    const { id, resource, related = [], payload = {}, follows = null } = event;
    const occurredUs = isoToMicros(event.occurred) ?? core.store.nowUs();
    core.events.append({ id: id.toLowerCase(), occurredUs, event: event.event, resource, related, payload, follows });
  }
  core.store.taskGroups.flush();
}

/** @returns false when the event is none of a task run's transitions */
function takeTaskRunEvent(store: Store, event: Event): boolean {
  const { resource, payload = {} } = event;
  const resourceId = resource["prefect.resource.id"] ?? "";
  if (
    !event.event.startsWith(TASK_RUN) ||
    !resourceId.startsWith(TASK_RUN) ||
    resource["prefect.orchestration"] !== "client"
  )
    return false;
  const transition = transitionOfEvent(event);
  const taskRun = payload["task_run"];
  if (!transition || !isObject(taskRun)) return false;
  const id = resourceId.slice(TASK_RUN.length).toLowerCase();
  const flowRunId =
    event.related
      ?.find((related) => related["prefect.resource.role"] === "flow-run")
      ?.["prefect.resource.id"]?.replace(FLOW_RUN, "") ?? null;
  const row = store.taskRuns.byId(id) ?? sameKeys(store, flowRunId, taskRun);
  if (row) addToHistory(store, row, { transition, taskRun });
  else insertTaskRun(store, { id, flowRunId, transition, taskRun });
  return true;
}

function transitionOfEvent(event: Event): StoredTransition | undefined {
  const state = event.payload?.["validated_state"];
  const timestampUs = isoToMicros(event.occurred);
  if (!isObject(state) || timestampUs === undefined) return undefined;
  const { type, name, message, data, state_details: details } = state;
  if (typeof type !== "string" || !TYPES.has(type)) return undefined;
  const kept = isObject(details) && Object.keys(details).length > 0 ? details : null;
  // Looked up in the nine above.
  return [
    type as StateType,
    textOr(name, type),
    timestampUs,
    textOr(message, "") || null,
    data ?? null,
    kept,
    event.id.toLowerCase(),
  ];
}

function sameKeys(store: Store, flowRunId: string | null, taskRun: Record<string, unknown>): TaskRunRow | undefined {
  if (flowRunId === null) return undefined;
  return store.taskRuns.byKeys(flowRunId, textOr(taskRun["task_key"], ""), textOr(taskRun["dynamic_key"], ""));
}

function insertTaskRun(
  store: Store,
  run: {
    readonly id: string;
    readonly flowRunId: string | null;
    readonly transition: StoredTransition;
    readonly taskRun: Record<string, unknown>;
  },
): void {
  const { id, flowRunId, transition, taskRun } = run;
  const totals = totalsOfHistory([transition]);
  const newRun = {
    id,
    flowRunId,
    name: textOr(taskRun["name"], id),
    taskKey: textOr(taskRun["task_key"], ""),
    dynamicKey: textOr(taskRun["dynamic_key"], id),
    childFlowRunId: null,
    processId: null,
    details: JSON.stringify(detailsOf(taskRun)),
    createdUs: transition[2],
  };
  store.taskRuns.insert(newRun, { stateName: transition[1], transitions: encodeTransitions([transition]), totals });
  const row = store.taskRuns.byId(id);
  if (row) store.taskGroups.add(row, 1);
}

function addToHistory(
  store: Store,
  row: TaskRunRow,
  event: { readonly transition: StoredTransition; readonly taskRun: Record<string, unknown> },
): void {
  const { transition, taskRun } = event;
  const history = decodeTransitions(row.transitions);
  if (history.some((known) => known[6] === transition[6])) return;
  history.push(transition);
  history.sort((one, other) => one[2] - other[2]);
  const totals = totalsOfHistory(history);
  const newest = history.at(-1) ?? transition;
  store.taskRuns.setHistory(row.id, { stateName: newest[1], transitions: encodeTransitions(history), totals });
  if (newest === transition)
    store.taskRuns.patch(row.id, {
      name: textOr(taskRun["name"], row.name),
      details: JSON.stringify(detailsOf(taskRun)),
    });
  const after = store.taskRuns.byId(row.id);
  store.taskGroups.add(row, -1);
  if (after) store.taskGroups.add(after, 1);
}

function detailsOf(taskRun: Record<string, unknown>): TaskRunDetails {
  const { tags, labels, task_inputs, cache_key, cache_expiration, task_version, empirical_policy, flow_run_run_count } =
    taskRun;
  return {
    ...(Array.isArray(tags) ? { tags: tags.map(String) } : {}),
    ...(isObject(labels) ? { labels } : {}),
    // Lists of run inputs, shown as they came.
    ...(isObject(task_inputs) ? { task_inputs: task_inputs as Record<string, unknown[]> } : {}),
    ...(typeof cache_key === "string" ? { cache_key } : {}),
    ...(typeof cache_expiration === "string" ? { cache_expiration } : {}),
    ...(typeof task_version === "string" ? { task_version } : {}),
    ...(isObject(empirical_policy) ? { empirical_policy } : {}),
    ...(typeof flow_run_run_count === "number" ? { flow_run_run_count } : {}),
  };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
