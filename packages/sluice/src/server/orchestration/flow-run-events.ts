/**
 * The events of flow runs: each transition that is written appends `prefect.flow-run.<state name>` in the same transaction, whose id is that of the state.
 */
import { microsToIso } from "../../wire/timestamp.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { idOfTransition, type StoredTransition } from "../db/transitions.ts";

/** An event of a run, as the log takes it. */
export interface RunEvent {
  readonly id: string;
  readonly occurredUs: number;
  readonly event: string;
  readonly resource: Readonly<Record<string, string>>;
  readonly related: readonly Readonly<Record<string, string>>[];
  readonly payload: Readonly<Record<string, unknown>>;
  readonly follows: string | null;
}

/** What writing a run's history needs: where runs are kept, and the log that hears of them. Both only inside a write. */
export interface Recording {
  readonly store: Store;
  readonly events: { append(event: RunEvent): void };
}

/** Transitions that were added to a flow run. */
export interface AddedTransitions {
  /** The history before them. */
  readonly before: readonly StoredTransition[];
  readonly added: readonly StoredTransition[];
  /** How often the run had entered RUNNING after each of the added ones. */
  readonly runCounts: readonly number[];
}

/** States further apart are in order by their times alone. */
const NEAR_US = 300_000_000;
/** Longer messages are shown by their two ends. */
const MAX_MESSAGE = 100_000;

/** Appends the events of transitions. Runs inside a write. */
export function appendFlowRunEvents({ store, events }: Recording, row: FlowRunRow, change: AddedTransitions): void {
  const related = relatedOf(store, row);
  let previous = change.before.at(-1);
  let index = change.before.length;
  let previousId = previous && idOfTransition(row.id, index - 1, previous);
  for (const [at, transition] of change.added.entries()) {
    const [type, name, occurredUs, message] = transition;
    const id = idOfTransition(row.id, index, transition);
    const isNear = previous !== undefined && Math.abs(occurredUs - previous[2]) < NEAR_US;
    events.append({
      id,
      occurredUs,
      event: `prefect.flow-run.${name}`,
      resource: {
        "prefect.resource.id": `prefect.flow-run.${row.id}`,
        "prefect.resource.name": row.name,
        "prefect.run-count": String(change.runCounts[at] ?? row.run_count),
        "prefect.state-message": shortened(message ?? ""),
        "prefect.state-name": name,
        "prefect.state-timestamp": offsetIso(occurredUs),
        "prefect.state-type": type,
      },
      related,
      payload: {
        intended: { from: previous?.[0] ?? null, to: type },
        initial_state: previous ? statePayload(previous) : null,
        validated_state: statePayload(transition),
      },
      follows: isNear ? (previousId ?? null) : null,
    });
    [previous, previousId] = [transition, id];
    index++;
  }
}

function statePayload([type, name, , message, , details]: StoredTransition): Record<string, string> {
  return {
    type,
    name,
    ...(message ? { message: shortened(message) } : {}),
    ...(type === "PAUSED" ? { pause_reschedule: String(details?.["pause_reschedule"] === true) } : {}),
  };
}

/** As the contract writes a state's time in its event: an offset, and no fraction when there is none. */
function offsetIso(timestampUs: number): string {
  return `${microsToIso(timestampUs).slice(0, -1)}+00:00`.replace(".000000+", "+");
}

function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  const half = MAX_MESSAGE / 2;
  const omitted = message.length - MAX_MESSAGE;
  const short = `${message.slice(0, half)}...${omitted} additional characters...${message.slice(-half)}`;
  return short.length < message.length ? short : message;
}

/** A noun that a flow run belongs to; tags as JSON. */
interface Relative {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly tags: string | null;
  readonly type?: string;
}

function relatedOf(store: Store, row: FlowRunRow): Record<string, string>[] {
  const relatives = relativesOf(store, row);
  const related = relatives.map(({ kind, id, name, type }) => ({
    "prefect.resource.id": `prefect.${kind}.${id}`,
    "prefect.resource.role": kind,
    "prefect.resource.name": name,
    ...(type === undefined ? {} : { "prefect.work-pool.type": type }),
  }));
  const tags = new Set<string>();
  for (const list of [row.tags, ...relatives.map((relative) => relative.tags)]) {
    // Lists of tags were written from validated bodies or by the engine.
    if (list !== null && list !== "[]") for (const tag of JSON.parse(list) as string[]) tags.add(tag);
  }
  const tagged = [...tags]
    .toSorted()
    .map((tag) => ({ "prefect.resource.id": `prefect.tag.${tag}`, "prefect.resource.role": "tag" }));
  return [...related, ...tagged, ...creatorOf(row)];
}

function relativesOf(store: Store, row: FlowRunRow): Relative[] {
  const flow = store.flows.byId(row.flow_id);
  const relatives: Relative[] = flow ? [{ kind: "flow", id: flow.id, name: flow.name, tags: flow.tags }] : [];
  if (row.deployment_id !== null) {
    const query = store.statement("SELECT 'deployment' AS kind, id, name, tags FROM deployment WHERE id = ?");
    // STRICT table: the columns have these types.
    relatives.push(...(query.all(row.deployment_id) as unknown as Relative[]));
  }
  if (row.work_queue_id !== null) {
    const queues = store.statement("SELECT 'work-queue' AS kind, id, name, NULL AS tags FROM work_queue WHERE id = ?");
    const pools = store.statement(
      `SELECT 'work-pool' AS kind, p.id, p.name, NULL AS tags, p.type FROM work_queue q JOIN work_pool p ON p.id = q.work_pool_id WHERE q.id = ?`,
    );
    // STRICT tables: the columns have these types.
    for (const query of [queues, pools]) relatives.push(...(query.all(row.work_queue_id) as unknown as Relative[]));
  }
  if (row.parent_task_run_id !== null) {
    const query = store.statement(
      `SELECT 'task-run' AS kind, id, name, json_extract(details, '$.tags') AS tags FROM task_run WHERE id = ?`,
    );
    // STRICT table: the columns have these types.
    relatives.push(...(query.all(row.parent_task_run_id) as unknown as Relative[]));
  }
  return relatives;
}

function creatorOf(row: FlowRunRow): Record<string, string>[] {
  if (row.created_by === null) return [];
  // Written by this server, in the contract's shape.
  const creator = JSON.parse(row.created_by) as { id: string; type: string; display_value?: string | null };
  if (creator.type !== "DEPLOYMENT" && creator.type !== "AUTOMATION") return [];
  return [
    {
      "prefect.resource.id": `prefect.${creator.type.toLowerCase()}.${creator.id}`,
      "prefect.resource.role": "creator",
      ...(creator.display_value ? { "prefect.resource.name": creator.display_value } : {}),
    },
  ];
}
