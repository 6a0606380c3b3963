/**
 * Finds a state by its id.
 *
 * States are part of their run's row, so there is no key of state ids. The log of events names the run for as long as it keeps events; beyond that the id
 * itself tells: it was derived from the run's id and the time of the transition (see `wire/state-id.ts`), and a run's id is mostly older than its state by
 * seconds. So ids of runs are looked through backwards from that time, in portions between which other requests are answered.
 */
import type { State } from "../../../wire/contract/shapes.ts";
import type { FlowRunRow } from "../../db/flow-run-table.ts";
import type { Store } from "../../db/store.ts";
import type { TaskRunRow } from "../../db/task-run-table.ts";
import { statesBody } from "../render.ts";

const PORTION = 20_000;
/** Of a UUID: what a state's id and its run's id have in common. */
const COMMON_PART = "substr(id, 16, 13)";
const commonPart = (id: string): string => id.slice(15, 28);

/** The state of a flow run or of a task run with this id; undefined when there is none. @param id lower-case UUID with dashes */
export async function findState(store: Store, noun: "flow_run" | "task_run", id: string): Promise<State | undefined> {
  const told = await store.read(() => runOfEvent(store, noun, id));
  if (told) return told;
  // Ids of later runs and, after them, of earlier ones: a run whose id carries no time may be anywhere.
  const later = "SELECT id FROM {} WHERE id > ?1 ORDER BY id LIMIT ?2";
  const earlier = "SELECT id FROM {} WHERE id <= ?1 ORDER BY id DESC LIMIT ?2";
  for (const direction of [earlier, later]) {
    const portion = direction.replace("{}", noun);
    const query = `SELECT (SELECT min(id) FROM p) AS first, (SELECT max(id) FROM p) AS last, (SELECT json_group_array(id) FROM p WHERE ${COMMON_PART} = ?3) AS found
      FROM (SELECT 1)`;
    let from: string | undefined = id;
    while (from !== undefined) {
      const start: string = from;
      const row = await store.read(() =>
        store.statement(`WITH p AS MATERIALIZED (${portion}) ${query}`).get(start, PORTION, commonPart(id)),
      );
      // Made by json_group_array of ids.
      for (const runId of JSON.parse(String(row?.["found"] ?? "[]")) as string[]) {
        const state = await store.read(() => stateOfRun(store, noun, { runId, id }));
        if (state) return state;
      }
      from = nextStart(direction === later, row);
    }
  }
  return undefined;
}

/** Where the next portion begins; undefined at the end. */
function nextStart(isForward: boolean, row: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const edge = isForward ? row?.["last"] : row?.["first"];
  if (typeof edge !== "string") return undefined;
  // The earlier portion includes its start: step below the last one seen.
  return isForward ? edge : decrement(edge);
}

/** The text just below another in order, for ids. */
function decrement(id: string): string {
  return `${id.slice(0, -1)}${String.fromCharCode(id.charCodeAt(id.length - 1) - 1)}~`;
}

function runOfEvent(store: Store, noun: "flow_run" | "task_run", id: string): State | undefined {
  const event = store.statement("SELECT resource_id FROM event WHERE id = ?").get(id);
  const prefix = noun === "flow_run" ? "prefect.flow-run." : "prefect.task-run.";
  const resource = String(event?.["resource_id"] ?? "");
  return resource.startsWith(prefix)
    ? stateOfRun(store, noun, { runId: resource.slice(prefix.length), id })
    : undefined;
}

function stateOfRun(
  store: Store,
  noun: "flow_run" | "task_run",
  { runId, id }: { readonly runId: string; readonly id: string },
): State | undefined {
  const row: FlowRunRow | TaskRunRow | undefined =
    noun === "flow_run" ? store.flowRuns.byId(runId) : store.taskRuns.byId(runId);
  return row && statesBody(row).find((state) => state.id === id);
}
