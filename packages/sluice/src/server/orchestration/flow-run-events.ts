/**
 * The events of flow runs: each transition that is written appends `prefect.flow-run.<state name>` in the same transaction, whose id is that of the state.
 */
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { idOfTransition, type StoredTransition } from "../db/transitions.ts";
import type { NewEvent, Resource, RunTransition, RunTransitions, StateOfEvent } from "../events/event-log.ts";

/** What writing a run's history needs: where runs are kept, and the log that hears of them. Both only inside a write. */
export interface Recording {
  readonly store: Store;
  readonly events: { append(event: NewEvent): void; appendTransitions(run: RunTransitions): void };
}

/** Transitions that were added to a flow run. */
export interface AddedTransitions {
  /** The history before them. */
  readonly before: readonly StoredTransition[];
  readonly added: readonly StoredTransition[];
  /** How often the run had entered RUNNING after each of the added ones; as many. */
  readonly runCounts: readonly number[];
  /** The tracking task run of a subflow, where it is at hand; null to have it looked up. */
  readonly parent: ParentTaskRun | null;
}

/** The parts of a flow run that its events tell. */
export type ToldFlowRun = Pick<
  FlowRunRow,
  "id" | "name" | "tags" | "flow_id" | "deployment_id" | "work_queue_id" | "parent_task_run_id" | "created_by"
>;

/** What events tell of a subflow's tracking task run; tags as JSON. */
export interface ParentTaskRun {
  readonly id: string;
  readonly name: string;
  readonly tags: string;
}

/** States further apart are in order by their times alone. */
const NEAR_US = 300_000_000;
/** Longer messages are shown by their two ends. */
const MAX_MESSAGE = 100_000;

/** Appends the events of transitions. Runs inside a write. */
export function appendFlowRunEvents({ store, events }: Recording, row: ToldFlowRun, change: AddedTransitions): void {
  const { before, added, runCounts, parent } = change;
  if (added.length === 0) return;
  const last = before.at(-1);
  let previousUs = last === undefined ? null : last[2];
  let previousId = last === undefined ? null : idOfTransition(row.id, before.length - 1, last);
  const told: RunTransition[] = [];
  for (const [at, transition] of added.entries()) {
    const [, name, occurredUs] = transition;
    const id = idOfTransition(row.id, before.length + at, transition);
    const isNear = previousUs !== null && Math.abs(occurredUs - previousUs) < NEAR_US;
    told.push({
      id,
      occurredUs,
      event: `prefect.flow-run.${name}`,
      follows: isNear ? previousId : null,
      state: stateOfEvent(transition),
      runCount: runCounts[at] ?? 0,
    });
    previousUs = occurredUs;
    previousId = id;
  }
  events.appendTransitions({
    resourceId: `prefect.flow-run.${row.id}`,
    name: row.name,
    related: relatedOf(store, row, parent),
    before: last ? stateOfEvent(last) : null,
    events: told,
  });
}

function stateOfEvent([type, name, , message, , details]: StoredTransition): StateOfEvent {
  const state: Record<string, string> = { type, name };
  if (message) state["message"] = shortened(message);
  if (type === "PAUSED") state["pause_reschedule"] = String(details?.["pause_reschedule"] === true);
  return state;
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
  /** Type of a work pool. */
  readonly type: string | null;
}

// Objects of one shape, made in one place: this runs for every flow run, and the engine compiles it anew for each further shape that it meets.
function relative(kind: string, { id, name, tags }: Omit<Relative, "kind" | "type">): Relative {
  return { kind, id, name, tags, type: null };
}

function relatedOf(store: Store, row: ToldFlowRun, parent: ParentTaskRun | null): Resource[] {
  const relatives = relativesOf(store, row, parent);
  const related = relatives.map(resourceOf);
  for (const tag of tagsOf(row, relatives))
    related.push({ "prefect.resource.id": `prefect.tag.${tag}`, "prefect.resource.role": "tag" });
  const creator = creatorOf(row);
  if (creator !== undefined) related.push(creator);
  return related;
}

function resourceOf({ kind, id, name, type }: Relative): Resource {
  const resource: Record<string, string> = {
    "prefect.resource.id": `prefect.${kind}.${id}`,
    "prefect.resource.role": kind,
    "prefect.resource.name": name,
  };
  if (type !== null) resource["prefect.work-pool.type"] = type;
  return resource;
}

/** All tags of a run and of what it belongs to, in order. */
function tagsOf(row: ToldFlowRun, relatives: readonly Relative[]): readonly string[] {
  const lists = [row.tags];
  for (const { tags } of relatives) if (tags !== null) lists.push(tags);
  const named = lists.filter((list) => list !== "[]");
  if (named.length === 0) return [];
  // Lists of tags were written from validated bodies or by the engine.
  return [...new Set(named.flatMap((list) => JSON.parse(list) as string[]))].toSorted();
}

function relativesOf(store: Store, row: ToldFlowRun, parent: ParentTaskRun | null): Relative[] {
  const relatives: Relative[] = [];
  const flow = store.flows.ofRun(row.flow_id);
  if (flow) relatives.push(relative("flow", flow));
  // STRICT tables: the columns have these types.
  const find = (sql: string, id: string): Relative[] => store.statement(sql).all(id) as unknown as Relative[];
  if (row.deployment_id !== null) relatives.push(...find(DEPLOYMENT, row.deployment_id));
  if (row.work_queue_id !== null)
    relatives.push(...find(WORK_QUEUE, row.work_queue_id), ...find(WORK_POOL, row.work_queue_id));
  if (parent !== null) relatives.push(relative("task-run", parent));
  else if (row.parent_task_run_id !== null) relatives.push(...find(TASK_RUN, row.parent_task_run_id));
  return relatives;
}

const DEPLOYMENT = "SELECT 'deployment' AS kind, id, name, tags, NULL AS type FROM deployment WHERE id = ?";
const WORK_QUEUE = "SELECT 'work-queue' AS kind, id, name, NULL AS tags, NULL AS type FROM work_queue WHERE id = ?";
const WORK_POOL = `SELECT 'work-pool' AS kind, p.id, p.name, NULL AS tags, p.type
  FROM work_queue q JOIN work_pool p ON p.id = q.work_pool_id WHERE q.id = ?`;
const TASK_RUN = `SELECT 'task-run' AS kind, id, name, json_extract(details, '$.tags') AS tags, NULL AS type FROM task_run WHERE id = ?`;

/** The deployment or automation that made a run. */
function creatorOf(row: ToldFlowRun): Resource | undefined {
  if (row.created_by === null) return undefined;
  // Written by this server, in the contract's shape.
  const creator = JSON.parse(row.created_by) as { id: string; type: string; display_value?: string | null };
  if (creator.type !== "DEPLOYMENT" && creator.type !== "AUTOMATION") return undefined;
  return {
    "prefect.resource.id": `prefect.${creator.type.toLowerCase()}.${creator.id}`,
    "prefect.resource.role": "creator",
    ...(creator.display_value ? { "prefect.resource.name": creator.display_value } : {}),
  };
}
