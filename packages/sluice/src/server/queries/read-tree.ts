import type { FlowRunNode, RunTree, StateCounts, TaskGroupNode } from "../../wire/run-tree.ts";
import { STATE_TYPES } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { isoOrNull } from "../api/render.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { TaskGroupRow } from "../db/task-group-table.ts";
import { newestTransition } from "../run-history.ts";

/** Most flow runs in one tree. */
export const MAX_TREE = 5000;

type TreeRow = FlowRunRow & { readonly flow_name: string };
type Node = Omit<FlowRunNode, "flow_runs" | "omitted_flow_runs"> & {
  flow_runs: Node[];
  omitted_flow_runs?: StateCounts;
};

const CHILDREN = "SELECT r.*, f.name AS flow_name FROM flow_run r LEFT JOIN flow f ON f.id = r.flow_id WHERE";

/** Reads the tree below a flow run, level by level, at most `max` flow runs. @returns undefined when there is no such flow run */
export function readTree(store: Store, id: string, max: number): RunTree | undefined {
  // STRICT tables: the columns have these types.
  const root = store.statement(`${CHILDREN} r.id = ?`).get(id) as TreeRow | undefined;
  if (!root) return undefined;
  const top = nodeOf(store, root);
  let level = [top];
  let left = max - 1;
  while (level.length > 0) {
    const next: Node[] = [];
    for (const parent of level) {
      // STRICT tables: the columns have these types.
      const rows = store
        .statement(`${CHILDREN} r.parent_flow_run_id = ? ORDER BY r.no LIMIT ?`)
        .all(parent.id, left + 1) as unknown as TreeRow[];
      for (const row of rows.slice(0, left)) parent.flow_runs.push(nodeOf(store, row));
      if (rows.length > left) parent.omitted_flow_runs = countOmitted(store, parent.id, Math.min(left, rows.length));
      left -= parent.flow_runs.length;
      next.push(...parent.flow_runs);
    }
    level = next;
  }
  return { now: microsToIso(store.nowUs()), root: top };
}

function nodeOf(store: Store, row: TreeRow): Node {
  return {
    id: row.id,
    name: row.name,
    flow_name: row.flow_name,
    state_type: row.state_type ?? "PENDING",
    state_name: row.state_name ?? "Pending",
    state_message: newestTransition(row)?.[3] ?? null,
    start_time: isoOrNull(row.start_time),
    end_time: isoOrNull(row.end_time),
    total_run_time: row.total_run_time / 1e6,
    run_count: row.run_count,
    tasks: store.taskGroups.ofFlowRun(row.id).filter(hasRuns).map(groupOf),
    flow_runs: [],
  };
}

function countOmitted(store: Store, parentId: string, shown: number): StateCounts {
  const query = store.statement(
    "SELECT state_type, count(*) AS n FROM (SELECT state_type FROM flow_run WHERE parent_flow_run_id = ? ORDER BY no LIMIT -1 OFFSET ?) GROUP BY state_type",
  );
  return Object.fromEntries(
    query.all(parentId, shown).map((row) => [String(row["state_type"] ?? "PENDING"), Number(row["n"])]),
  );
}

function countsOf(row: TaskGroupRow): [string, number][] {
  const { scheduled, pending, running, completed, failed, cancelled, crashed, paused, cancelling } = row;
  const numbers = [scheduled, pending, running, completed, failed, cancelled, crashed, paused, cancelling];
  return STATE_TYPES.map((type, index): [string, number] => [type, numbers[index] ?? 0]).filter(
    ([, count]) => count > 0,
  );
}

function hasRuns(row: TaskGroupRow): boolean {
  return countsOf(row).length > 0;
}

function groupOf(row: TaskGroupRow): TaskGroupNode {
  return {
    name: row.name,
    task_key: row.task_key,
    counts: Object.fromEntries(countsOf(row)),
    first_start_time: isoOrNull(row.first_start),
    last_end_time: isoOrNull(row.last_end),
    total_run_time: row.total_run_time / 1e6,
  };
}
