import type { FlowRunNode, RunTree, StateCounts, TaskGroupNode } from "../../wire/run-tree.ts";
import { STATE_TYPES } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { isoOrNull } from "./render.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { TaskGroupRow } from "../db/task-group-table.ts";

/** Most flow runs in one tree. */
export const MAX_TREE = 5000;

/** Flow runs of a tree that is read within a millisecond or two. */
const FEW = 200;

/** Whether a tree is small, found out by its ids alone. */
export function isSmallTree(store: Store, id: string): boolean {
  const query = store.statement(
    "SELECT id FROM flow_run WHERE parent_flow_run_id IN (SELECT value FROM json_each(?)) LIMIT ?",
  );
  let left = FEW;
  for (let level: unknown[] = [id]; level.length > 0; left -= level.length) {
    level = query.all(JSON.stringify(level), left + 1).map((row) => row["id"]);
    if (level.length > left) return false;
  }
  return true;
}

type TreeRow = Pick<
  FlowRunRow,
  | "id"
  | "name"
  | "state_type"
  | "state_name"
  | "start_time"
  | "end_time"
  | "total_run_time"
  | "run_count"
  | "parent_flow_run_id"
> & { readonly flow_name: string | null; readonly state_message: string | null };
type Node = Omit<FlowRunNode, "flow_runs" | "tasks" | "omitted_flow_runs"> & {
  tasks: TaskGroupNode[];
  flow_runs: Node[];
  omitted_flow_runs?: StateCounts;
};

const COLUMNS = `SELECT r.id, r.name, r.state_type, r.state_name, r.start_time, r.end_time, r.total_run_time, r.run_count, r.parent_flow_run_id,
  f.name AS flow_name, r.transitions ->> '$[#-1][3]' AS state_message
  FROM flow_run r LEFT JOIN flow f ON f.id = r.flow_id WHERE`;

/**
 * Reads the tree below a flow run, level by level, at most `max` flow runs: two queries a level, however many runs it has.
 *
 * @returns undefined when there is no such flow run
 */
export function readTree(store: Store, id: string, max: number): RunTree | undefined {
  // STRICT tables: the columns have these types.
  const root = store.statement(`${COLUMNS} r.id = ?`).get(id) as TreeRow | undefined;
  if (!root) return undefined;
  const top = nodeOf(root);
  let level = new Map([[top.id, top]]);
  let left = max - 1;
  while (level.size > 0) {
    addTasks(store, level);
    const next = addChildren(store, level, left);
    left -= next.size;
    level = next;
  }
  return { now: microsToIso(store.nowUs()), root: top };
}

function addChildren(store: Store, level: ReadonlyMap<string, Node>, left: number): Map<string, Node> {
  const ids = JSON.stringify([...level.keys()]);
  const query = store.statement(
    `${COLUMNS} r.parent_flow_run_id IN (SELECT value FROM json_each(?)) ORDER BY r.no LIMIT ?`,
  );
  // STRICT tables: the columns have these types.
  const rows = query.all(ids, left + 1) as unknown as TreeRow[];
  const next = new Map<string, Node>();
  for (const row of rows.slice(0, left)) {
    const node = nodeOf(row);
    level.get(row.parent_flow_run_id ?? "")?.flow_runs.push(node);
    next.set(node.id, node);
  }
  if (rows.length > left) for (const node of level.values()) addOmitted(store, node);
  return next;
}

function addOmitted(store: Store, node: Node): void {
  const query = store.statement(
    "SELECT state_type, count(*) AS n FROM (SELECT state_type FROM flow_run WHERE parent_flow_run_id = ? ORDER BY no LIMIT -1 OFFSET ?) GROUP BY state_type",
  );
  const rows = query.all(node.id, node.flow_runs.length);
  if (rows.length > 0)
    node.omitted_flow_runs = Object.fromEntries(
      rows.map((row) => [String(row["state_type"] ?? "PENDING"), Number(row["n"])]),
    );
}

function addTasks(store: Store, level: ReadonlyMap<string, Node>): void {
  const query = store.statement(
    "SELECT * FROM task_group WHERE flow_run_id IN (SELECT value FROM json_each(?)) ORDER BY first_seen, task_key",
  );
  // STRICT table: the columns have these types.
  const rows = query.all(JSON.stringify([...level.keys()])) as unknown as TaskGroupRow[];
  for (const row of rows) {
    const group = groupOf(row);
    if (Object.keys(group.counts).length > 0) level.get(row.flow_run_id)?.tasks.push(group);
  }
}

function nodeOf(row: TreeRow): Node {
  return {
    id: row.id,
    name: row.name,
    flow_name: row.flow_name ?? "",
    state_type: row.state_type ?? "PENDING",
    state_name: row.state_name ?? "Pending",
    state_message: row.state_message,
    start_time: isoOrNull(row.start_time),
    end_time: isoOrNull(row.end_time),
    total_run_time: row.total_run_time / 1e6,
    run_count: row.run_count,
    tasks: [],
    flow_runs: [],
  };
}

function groupOf(row: TaskGroupRow): TaskGroupNode {
  const { scheduled, pending, running, completed, failed, cancelled, crashed, paused, cancelling } = row;
  const numbers = [scheduled, pending, running, completed, failed, cancelled, crashed, paused, cancelling];
  const counts = STATE_TYPES.map((type, index) => [type, numbers[index] ?? 0] as const).filter(
    ([, count]) => count > 0,
  );
  return {
    name: row.name,
    task_key: row.task_key,
    counts: Object.fromEntries(counts),
    first_start_time: isoOrNull(row.first_start),
    last_end_time: isoOrNull(row.last_end),
    total_run_time: row.total_run_time / 1e6,
  };
}
