import type {
  CountByState,
  CountDeploymentsByFlowBody,
  CountTaskRunsByFlowRunBody,
  NextRunsByFlowBody,
  ReadDashboardTaskRunCountsBody,
  ReadFlowRunHistoryBody,
  ReadTaskRunCountsByStateBody,
  SimpleFlowRun,
} from "../../wire/contract/shapes.ts";
import { FINAL_STATE_TYPES, STATE_TYPES } from "../../wire/state-types.ts";
import { isoToMicros, microsToIso } from "../../wire/timestamp.ts";
import { Refusal, reply } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import { flowRunOrder } from "../queries/read-runs.ts";
import { taskRunBody } from "../queries/render.ts";
import { whereFlowRuns, whereTaskRuns } from "../queries/run-filters.ts";
import { latenessSql, runTimeSql } from "../queries/run-times.ts";
import { found, param, type ReadHandlers } from "./handler.ts";

const MINUTE_US = 60_000_000;
/** Most runs of the history, and the number when a request says none. */
const MOST_RUNS = 1000;
/** Intervals of the dashboard's chart. */
const DASHBOARD_BUCKETS = 20;

/** What only web pages ask. Bodies have the shapes of the route table's schemas. */
export const uiHandlers: ReadHandlers = {
  "POST /ui/flow_runs/history": async (call, { store }) =>
    reply(200, await store.read(() => simpleRuns(store, call.body as ReadFlowRunHistoryBody))),
  "POST /ui/flow_runs/count-task-runs": async (call, { store }) => {
    const { flow_run_ids: ids } = call.body as CountTaskRunsByFlowRunBody;
    const sql = `SELECT k.id, count(*) AS n FROM task_run t JOIN flow_run_key k ON k.no = t.flow_run_no
      WHERE k.id IN (SELECT value FROM json_each(?)) AND t.child_flow_run_id IS NULL GROUP BY k.id`;
    return reply(200, await store.read(() => countsById(store, sql, ids)));
  },
  "POST /ui/flows/count-deployments": async (call, { store }) => {
    const { flow_ids: ids } = call.body as CountDeploymentsByFlowBody;
    const sql =
      "SELECT flow_id AS id, count(*) AS n FROM deployment WHERE flow_id IN (SELECT value FROM json_each(?)) GROUP BY flow_id";
    return reply(200, await store.read(() => countsById(store, sql, ids)));
  },
  "POST /ui/flows/next-runs": async (call, { store }) => {
    const { flow_ids: ids } = call.body as NextRunsByFlowBody;
    return reply(200, await store.read(() => Object.fromEntries(ids.map((id) => [id, nextRun(store, id)]))));
  },
  "POST /ui/task_runs/count": async (call, { store }) =>
    reply(200, await store.read(() => taskRunsByState(store, call.body as ReadTaskRunCountsByStateBody))),
  "POST /ui/task_runs/dashboard/counts": async (call, { store }) =>
    reply(200, await store.read(() => dashboardCounts(store, call.body as ReadDashboardTaskRunCountsBody))),
  "GET /ui/task_runs/{id}": async (call, { store }) => {
    const body = await store.read(() => {
      const row = store.taskRuns.byId(param(call, "id"));
      if (!row) throw new Refusal(404, "Task not found");
      const run = row.flow_run_id === null ? undefined : store.flowRuns.byId(row.flow_run_id);
      return { ...taskRunBody(found(row, "Task run"), store.nowUs()), flow_run_name: run?.name ?? null };
    });
    return reply(200, body);
  },
};

function simpleRuns(store: Store, body: ReadFlowRunHistoryBody): SimpleFlowRun[] {
  const where = whereFlowRuns(body);
  const order = flowRunOrder(body.sort ?? "EXPECTED_START_TIME_DESC");
  const sql = `SELECT r.id, r.state_type, coalesce(r.start_time, r.expected_start_time) AS at, ${runTimeSql("r")} AS duration, ${latenessSql("r")} AS lateness
    FROM flow_run r WHERE ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`;
  const rows = store.query(sql.replaceAll(":now", String(store.nowUs())), [
    ...where.parameters,
    // A negative one is none for the contract; no answer is longer than the longest that can be asked for.
    body.limit === undefined || body.limit < 0 ? MOST_RUNS : body.limit,
    body.offset ?? 0,
  ]);
  return rows.map((row) => ({
    id: String(row["id"]),
    // A column of state types.
    state_type: String(row["state_type"]) as SimpleFlowRun["state_type"],
    timestamp: microsToIso(Number(row["at"])),
    duration: Number(row["duration"]) / 1e6,
    lateness: Number(row["lateness"]) / 1e6,
  }));
}

function countsById(store: Store, sql: string, ids: readonly string[]): Record<string, number> {
  const rows = store.query(sql, [JSON.stringify(ids)]);
  const counted = new Map(rows.map((row) => [String(row["id"]), Number(row["n"])]));
  return Object.fromEntries(ids.map((id) => [id, counted.get(id) ?? 0]));
}

function nextRun(store: Store, flowId: string): Record<string, unknown> | null {
  const row = store
    .statement(
      "SELECT * FROM flow_run WHERE flow_id = ? AND state_type = 'SCHEDULED' AND next_scheduled_start_time IS NOT NULL ORDER BY next_scheduled_start_time LIMIT 1",
    )
    .get(flowId);
  if (!row) return null;
  return {
    id: row["id"],
    flow_id: flowId,
    name: row["name"],
    state_name: row["state_name"],
    state_type: row["state_type"],
    next_scheduled_start_time: microsToIso(Number(row["next_scheduled_start_time"])),
  };
}

function taskRunsByState(store: Store, body: ReadTaskRunCountsByStateBody): CountByState {
  const where = whereTaskRuns(body);
  const sql = `SELECT t.state_type AS type, count(*) AS n FROM task_run_row t WHERE ${where.sql} GROUP BY t.state_type`;
  const counted = new Map(store.query(sql, where.parameters).map((row) => [row["type"], Number(row["n"])]));
  return Object.fromEntries(STATE_TYPES.map((type) => [type, counted.get(type) ?? 0]));
}

function dashboardCounts(store: Store, body: ReadDashboardTaskRunCountsBody): { completed: number; failed: number }[] {
  const { start_time: time } = body.task_runs;
  const after = time?.after_ ? isoToMicros(time.after_) : undefined;
  if (after === undefined) throw new Refusal(422, "task_runs.start_time.after_ is required");
  const before = (time?.before_ ? isoToMicros(time.before_) : undefined) ?? store.nowUs();
  const start = after - (after % MINUTE_US);
  const end = before - (before % MINUTE_US) + MINUTE_US - 1;
  const size = (end - start) / DASHBOARD_BUCKETS;
  const where = whereTaskRuns({
    ...body,
    task_runs: { ...body.task_runs, state: { type: { any_: FINAL_STATE_TYPES } } },
  });
  const sql = `SELECT CAST((t.start_time - ?) / ? AS INTEGER) AS bucket, count(*) AS n, sum(t.state_type IN ('FAILED', 'CRASHED')) AS failed
    FROM task_run_row t WHERE t.start_time IS NOT NULL AND ${where.sql} GROUP BY 1`;
  const buckets = Array.from({ length: DASHBOARD_BUCKETS }, () => ({ completed: 0, failed: 0 }));
  for (const row of store.query(sql, [start, size, ...where.parameters])) {
    const bucket = buckets[Number(row["bucket"])];
    if (!bucket) continue;
    bucket.failed = Number(row["failed"]);
    bucket.completed = Number(row["n"]) - bucket.failed;
  }
  return buckets;
}
