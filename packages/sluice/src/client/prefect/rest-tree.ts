import type { Flow, FlowRunResponse, TaskRun } from "../../wire/contract/shapes.ts";
import type { FlowRunNode, RunTree, StateCounts, TaskGroupNode } from "../../wire/run-tree.ts";
import type { StateType } from "../../wire/state-types.ts";
import type { PrefectCalls } from "./prefect-calls.ts";

/** The largest page that the server gives. */
const PAGE = 200;
/** Task runs that are counted at most in one level of the tree: each page costs the server a query. */
const MAX_TASK_RUNS = 10_000;
const MAX_FLOW_RUNS = 1000;

type Count = { -readonly [type in keyof StateCounts]: StateCounts[type] };

/** A node whose children are still to come. */
interface OpenNode {
  readonly row: FlowRunResponse;
  readonly flowRuns: OpenNode[];
  readonly tasks: Map<string, TaskRun[]>;
  readonly omitted: Count;
}

/**
 * Puts a flow run's tree together from the REST answers of a Prefect server: as `GET /api/sluice/flow_runs/{id}/tree` of a server of ours.
 *
 * Up to 1,000 flow runs are shown (children beyond are counted), and up to 10,000 task runs a level counted.
 *
 * @returns undefined when the server does not know the run
 */
export async function readRestTree(calls: PrefectCalls, flowRunId: string): Promise<RunTree | undefined> {
  const found = await calls.find<FlowRunResponse>(`/api/flow_runs/${flowRunId}`);
  if (found === undefined) return undefined;
  const root = openNode(found);
  const all = [root];
  for (let level = [root]; level.length > 0;) {
    level = await readLevel(calls, level, MAX_FLOW_RUNS - all.length);
    all.push(...level);
  }
  const names = await flowNames(calls, new Set(all.map(({ row }) => row.flow_id)));
  return { now: new Date().toISOString().replace("Z", "000Z"), root: finished(root, names) };
}

/** Reads the task runs and the child flow runs of a level into its nodes; gives the next level, of at most `room` nodes. */
async function readLevel(calls: PrefectCalls, level: readonly OpenNode[], room: number): Promise<OpenNode[]> {
  const nodes = new Map(level.map((node) => [node.row.id, node]));
  const ids = [...nodes.keys()];
  const taskRuns = await pages<TaskRun>(calls, ids, {
    noun: "task_runs",
    filter: (any_) => ({ flow_runs: { id: { any_ } } }),
    most: MAX_TASK_RUNS,
    sort: "EXPECTED_START_TIME_ASC",
  });
  const children = await pages<FlowRunResponse>(calls, ids, {
    noun: "flow_runs",
    filter: (any_) => ({ flow_runs: { parent_flow_run_id: { any_ } } }),
    most: Number.POSITIVE_INFINITY,
    sort: "START_TIME_ASC",
  });
  const tracking = new Set(children.map((child) => child.parent_task_run_id));
  const parents = new Map(taskRuns.map(({ id, flow_run_id: parent }) => [id, nodes.get(parent ?? "")]));
  for (const taskRun of taskRuns) {
    const group = nodes.get(taskRun.flow_run_id ?? "")?.tasks;
    if (group === undefined || tracking.has(taskRun.id)) continue;
    group.set(taskRun.task_key, [...(group.get(taskRun.task_key) ?? []), taskRun]);
  }
  const next: OpenNode[] = [];
  for (const child of children) {
    const parent = parents.get(child.parent_task_run_id ?? "") ?? (level.length === 1 ? level[0] : undefined);
    if (parent === undefined) continue;
    if (next.length >= room) {
      add(parent.omitted, child.state_type);
      continue;
    }
    const node = openNode(child);
    parent.flowRuns.push(node);
    next.push(node);
  }
  return next;
}

interface Pages {
  readonly noun: "task_runs" | "flow_runs";
  readonly filter: (ids: readonly string[]) => object;
  readonly most: number;
  readonly sort: string;
}

/** All rows of the runs that have one of `ids` above them. */
async function pages<T>(calls: PrefectCalls, ids: readonly string[], wanted: Pages): Promise<T[]> {
  const { noun, filter, most, sort } = wanted;
  const rows: T[] = [];
  for (let from = 0; from < ids.length; from += PAGE) {
    const body = { ...filter(ids.slice(from, from + PAGE)), sort, limit: PAGE };
    for (let offset = 0; rows.length < most; offset += PAGE) {
      const page = await calls.get<readonly T[]>("POST", `/api/${noun}/filter`, { ...body, offset });
      rows.push(...page);
      if (page.length < PAGE) break;
    }
  }
  return rows;
}

async function flowNames(calls: PrefectCalls, ids: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const all = [...ids];
  for (let from = 0; from < all.length; from += PAGE) {
    const body = { flows: { id: { any_: all.slice(from, from + PAGE) } }, limit: PAGE };
    for (const { id, name } of await calls.get<readonly Flow[]>("POST", "/api/flows/filter", body)) names.set(id, name);
  }
  return names;
}

function openNode(row: FlowRunResponse): OpenNode {
  return { row, flowRuns: [], tasks: new Map(), omitted: {} };
}

function finished({ row, flowRuns, tasks, omitted }: OpenNode, names: ReadonlyMap<string, string>): FlowRunNode {
  return {
    id: row.id,
    name: row.name ?? "",
    flow_name: names.get(row.flow_id) ?? "",
    state_type: row.state_type ?? "PENDING",
    state_name: row.state_name ?? "Pending",
    state_message: row.state?.message ?? null,
    start_time: row.start_time ?? null,
    end_time: row.end_time ?? null,
    total_run_time: row.total_run_time ?? 0,
    run_count: row.run_count ?? 0,
    tasks: [...tasks].map(([taskKey, runs]) => taskGroup(taskKey, runs)),
    flow_runs: flowRuns.map((child) => finished(child, names)),
    ...(Object.keys(omitted).length > 0 && { omitted_flow_runs: omitted }),
  };
}

function taskGroup(taskKey: string, runs: readonly TaskRun[]): TaskGroupNode {
  const counts: Count = {};
  for (const { state_type: type } of runs) add(counts, type);
  const starts = runs.flatMap(({ start_time: start }) => start ?? []);
  const ends = runs.flatMap(({ end_time: end }) => end ?? []);
  return {
    name: taskKey.replace(/-[0-9a-f]{8}$/, ""),
    task_key: taskKey,
    counts,
    first_start_time: starts.toSorted()[0] ?? null,
    last_end_time: ends.toSorted().at(-1) ?? null,
    total_run_time: runs.reduce((sum, { total_run_time: seconds }) => sum + (seconds ?? 0), 0),
  };
}

function add(counts: Count, type: StateType | null | undefined): void {
  const key = type ?? "PENDING";
  counts[key] = (counts[key] ?? 0) + 1;
}
