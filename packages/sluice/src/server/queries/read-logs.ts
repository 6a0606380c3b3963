import type { Log, LogFilter } from "../../wire/contract/shapes.ts";
import { stateId } from "../../wire/state-id.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { newestLine, type LogRow } from "../db/log-table.ts";
import type { Store } from "../db/store.ts";
import { combine, isAny, isBetween, isNull, member, type Condition } from "./condition.ts";
import { readTextSearch } from "./text-search.ts";

/** Reads a page of lines, by their times. */
export function readLogs(
  store: Store,
  filter: LogFilter,
  page: { readonly sort: string | undefined; readonly bounds: readonly [limit: number, offset: number] },
): LogRow[] {
  const where = logCondition(filter);
  const direction = page.sort === "TIMESTAMP_DESC" ? "DESC" : "ASC";
  const rows = store.query(
    `SELECT * FROM log WHERE ${where.sql} ORDER BY timestamp ${direction}, no ${direction} LIMIT ? OFFSET ?`,
    [...where.parameters, ...page.bounds],
  );
  // STRICT table: the columns have these types.
  return rows as unknown as LogRow[];
}

/** Reads the lines that came after a place; without one, none, and where the newest stands. */
export function readNewLogs(
  store: Store,
  filter: LogFilter,
  { after, limit }: { readonly after: number | undefined; readonly limit: number },
): { readonly logs: readonly Log[]; readonly after: number } {
  const head = newestLine(store);
  // Less than before: the newest lines were deleted.
  if (after === undefined || head <= after) return { logs: [], after: head };
  const where = logCondition(filter);
  const rows = store.query(`SELECT * FROM log WHERE no > ? AND ${where.sql} ORDER BY no LIMIT ?`, [
    after,
    ...where.parameters,
    limit,
  ]);
  // STRICT table: the columns have these types.
  const lines = rows as unknown as LogRow[];
  return { logs: lines.map(logBody), after: lines.length < limit ? head : Number(rows.at(-1)?.["no"]) };
}

function logCondition(filter: LogFilter): Condition {
  const { level, text } = filter;
  return combine(
    [
      member(filter.flow_run_id, isAny("flow_run_id", filter.flow_run_id?.any_)),
      member(
        filter.task_run_id,
        isAny("task_run_id", filter.task_run_id?.any_),
        isNull("task_run_id", filter.task_run_id?.is_null_),
      ),
      isBetween("timestamp", filter.timestamp),
      member(
        level,
        typeof level?.ge_ === "number" ? { sql: "level >= ?", parameters: [level.ge_] } : undefined,
        typeof level?.le_ === "number" ? { sql: "level <= ?", parameters: [level.le_] } : undefined,
      ),
      text ? textCondition(text.query) : undefined,
    ],
    filter.operator,
  );
}

/** Any of the plain words, none of those after a minus, all of those after a plus; quotes hold words together. */
function textCondition(query: string): Condition {
  const { include, exclude, required } = readTextSearch(query);
  const holds = (word: string): Condition => ({
    sql: "instr(lower(message || ' ' || name), ?) > 0",
    parameters: [word.toLowerCase()],
  });
  return combine([
    include.length > 0 ? combine(include.map(holds), "or_") : undefined,
    ...exclude.map((word) => {
      const { sql, parameters } = holds(word);
      return { sql: `NOT (${sql})`, parameters };
    }),
    ...required.map(holds),
  ]);
}

/** The id of a line derives from its place, so that no line has to keep one. */
const LOG_NAMESPACE = "00000000-0000-7000-8000-106000000000";

/** A line as the wire shows it. */
export function logBody(row: LogRow): Log {
  const created = microsToIso(row.created);
  const { name, level, message, flow_run_id, task_run_id } = row;
  return {
    id: stateId(LOG_NAMESPACE, row.no, row.timestamp),
    created,
    updated: created,
    name,
    level,
    message,
    timestamp: microsToIso(row.timestamp),
    flow_run_id,
    task_run_id,
  };
}
