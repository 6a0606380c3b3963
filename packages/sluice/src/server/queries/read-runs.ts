import type { FlowRow } from "../db/flow-table.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { TaskRunRow } from "../db/task-run-table.ts";
import { pageLimit } from "../request/check-request.ts";
import { whereFlowRuns, whereFlows, whereTaskRuns, type JoinedFilters } from "./run-filters.ts";

/** A page of rows: in which order, how many, from where. */
export interface Page {
  readonly sort?: string | null;
  readonly limit?: number;
  readonly offset?: number;
}

const FLOW_ORDER: Readonly<Record<string, string>> = {
  CREATED_DESC: "f.created DESC",
  UPDATED_DESC: "f.updated DESC",
  NAME_ASC: "f.name ASC",
  NAME_DESC: "f.name DESC",
};
/** Ties go by the order of storing, in the direction of the index: so a page needs no sorting. */
const FLOW_RUN_ORDER: Readonly<Record<string, string>> = {
  ID_DESC: "r.id DESC",
  START_TIME_ASC: "coalesce(r.start_time, r.expected_start_time) ASC, r.no ASC",
  START_TIME_DESC: "coalesce(r.start_time, r.expected_start_time) DESC, r.no DESC",
  EXPECTED_START_TIME_ASC: "r.expected_start_time ASC, r.no ASC",
  EXPECTED_START_TIME_DESC: "r.expected_start_time DESC, r.no DESC",
  NAME_ASC: "r.name ASC, r.no ASC",
  NAME_DESC: "r.name DESC, r.no DESC",
  NEXT_SCHEDULED_START_TIME_ASC: "r.next_scheduled_start_time ASC, r.no ASC",
  END_TIME_DESC: "r.end_time DESC, r.no DESC",
};
const TASK_RUN_ORDER: Readonly<Record<string, string>> = {
  ID_DESC: "t.id DESC",
  EXPECTED_START_TIME_ASC: "t.expected_start_time ASC, t.no ASC",
  EXPECTED_START_TIME_DESC: "t.expected_start_time DESC, t.no DESC",
  NAME_ASC: "t.name ASC, t.no ASC",
  NAME_DESC: "t.name DESC, t.no DESC",
  NEXT_SCHEDULED_START_TIME_ASC: "t.next_scheduled_start_time ASC, t.no ASC",
  END_TIME_DESC: "t.end_time DESC, t.no DESC",
};

/** ORDER BY of flow runs, whose table is `r`, with a tie-break. */
export function flowRunOrder(sort: string): string {
  return FLOW_RUN_ORDER[sort] ?? "r.id DESC";
}

/** Reads a page of flows, by name unless said otherwise. */
export function readFlows(store: Store, filters: JoinedFilters, page: Page): FlowRow[] {
  const where = whereFlows(filters);
  const order = FLOW_ORDER[page.sort ?? "NAME_ASC"] ?? "f.name";
  const rows = store.query(`SELECT f.* FROM flow f WHERE ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`, [
    ...where.parameters,
    ...bounds(page),
  ]);
  // STRICT table: the columns have these types.
  return rows as unknown as FlowRow[];
}

/** Orders of flow runs that no index gives. */
export const FLOW_RUN_ORDERS_WITHOUT_INDEX: ReadonlySet<string> = new Set([
  "NAME_ASC",
  "NAME_DESC",
  "NEXT_SCHEDULED_START_TIME_ASC",
  "END_TIME_DESC",
]);

/** Reads a page of flow runs, newest id first unless said otherwise. */
export function readFlowRuns(store: Store, filters: JoinedFilters, page: Page): FlowRunRow[] {
  const where = whereFlowRuns(filters);
  const sort = page.sort ?? "ID_DESC";
  const order = flowRunOrder(sort);
  const some = `FROM flow_run r WHERE ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`;
  // Where all runs must be sorted, their numbers are sorted and not the whole rows: that takes a third of the time.
  const sql = FLOW_RUN_ORDERS_WITHOUT_INDEX.has(sort)
    ? `SELECT r.* FROM flow_run r WHERE r.no IN (SELECT r.no ${some}) ORDER BY ${order}`
    : `SELECT r.* ${some}`;
  // STRICT table: the columns have these types.
  return store.query(sql, [...where.parameters, ...bounds(page)]) as unknown as FlowRunRow[];
}

/** Reads a page of task runs, newest id first unless said otherwise. */
export function readTaskRuns(store: Store, filters: JoinedFilters, page: Page): TaskRunRow[] {
  const where = whereTaskRuns(filters);
  const order = TASK_RUN_ORDER[page.sort ?? "ID_DESC"] ?? "t.id DESC";
  const rows = store.query(`SELECT t.* FROM task_run_row t WHERE ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`, [
    ...where.parameters,
    ...bounds(page),
  ]);
  // STRICT table: the columns have these types.
  return rows as unknown as TaskRunRow[];
}

/** Counts flows, flow runs or task runs. */
export function countRows(store: Store, noun: "flow" | "flow_run" | "task_run", filters: JoinedFilters): number {
  const [from, where] =
    noun === "flow"
      ? ["flow f", whereFlows(filters)]
      : noun === "flow_run"
        ? ["flow_run r", whereFlowRuns(filters)]
        : ["task_run t", whereTaskRuns(filters)];
  return Number(store.query(`SELECT count(*) AS n FROM ${from} WHERE ${where.sql}`, where.parameters)[0]?.["n"]);
}

/** LIMIT and OFFSET of a page. @throws Refusal 422 for a page longer than the contract allows */
export function bounds(page: Page): [limit: number, offset: number] {
  return [pageLimit(page.limit), page.offset ?? 0];
}
