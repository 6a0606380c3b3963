import type { HistoryResponse, HistoryResponseState } from "../../wire/contract/shapes.ts";
import { isoToMicros, microsToIso } from "../../wire/timestamp.ts";
import { Refusal } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import { whereFlowRuns, whereTaskRuns, type JoinedFilters } from "./run-filters.ts";
import { latenessSql, runTimeSql } from "./run-times.ts";

/** Most intervals of a history; what is asked for beyond them is left out. */
const MAX_INTERVALS = 500;

/** From when to when a history reaches, and how finely. */
export interface HistorySpan {
  readonly history_start: string;
  readonly history_end: string;
  readonly history_interval_seconds: number;
}

/** Counts runs by the interval of their expected start and by state. @throws Refusal 422 for intervals under a second */
export function readHistory(
  store: Store,
  noun: "flow_run" | "task_run",
  { span, filters }: { readonly span: HistorySpan; readonly filters: JoinedFilters },
): HistoryResponse[] {
  const seconds = span.history_interval_seconds;
  if (seconds < 1) throw new Refusal(422, "History interval must not be less than 1 second.");
  const start = isoToMicros(span.history_start) ?? 0;
  const end = isoToMicros(span.history_end) ?? 0;
  const interval = Math.round(seconds * 1e6);
  const count = end > start ? Math.min(Math.ceil((end - start) / interval), MAX_INTERVALS) : 0;
  if (count === 0) return [];
  const states = statesByInterval(store, noun, { start, interval, count, filters });
  return Array.from({ length: count }, (_, index) => ({
    interval_start: microsToIso(start + index * interval),
    interval_end: microsToIso(start + (index + 1) * interval),
    states: states.get(index) ?? [],
  }));
}

interface Buckets {
  readonly start: number;
  readonly interval: number;
  readonly count: number;
  readonly filters: JoinedFilters;
}

function statesByInterval(
  store: Store,
  noun: "flow_run" | "task_run",
  { start, interval, count, filters }: Buckets,
): Map<number, HistoryResponseState[]> {
  const [table, from, where] =
    noun === "flow_run"
      ? (["r", "flow_run r", whereFlowRuns(filters)] as const)
      : (["t", "task_run_row t", whereTaskRuns(filters)] as const);
  const now = String(store.nowUs());
  const sql = `SELECT (${table}.expected_start_time - ?) / ? AS bucket, ${table}.state_type AS state_type, ${table}.state_name AS state_name,
     count(*) AS count_runs, sum(${runTimeSql(table)}) AS run_time, sum(${latenessSql(table)}) AS lateness
     FROM ${from} WHERE ${table}.expected_start_time >= ? AND ${table}.expected_start_time < ? AND ${where.sql} GROUP BY 1, 2, 3`;
  const rows = store.query(sql.replaceAll(":now", now), [
    start,
    interval,
    start,
    start + count * interval,
    ...where.parameters,
  ]);
  return Map.groupBy(rows, (row) => Number(row["bucket"]))
    .entries()
    .reduce((found, [bucket, ofBucket]) => {
      const states = ofBucket.map((row) => ({
        // A column of state types.
        state_type: String(row["state_type"]) as HistoryResponseState["state_type"],
        state_name: String(row["state_name"]),
        count_runs: Number(row["count_runs"]),
        sum_estimated_run_time: Number(row["run_time"]) / 1e6,
        sum_estimated_lateness: Number(row["lateness"]) / 1e6,
      }));
      return found.set(bucket, states);
    }, new Map<number, HistoryResponseState[]>());
}
