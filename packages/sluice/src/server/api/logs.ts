import type { Log, ReadLogsBody } from "../../wire/contract/shapes.ts";
import { stateId } from "../../wire/state-id.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { reply } from "../api-reply.ts";
import type { LogRow } from "../db/log-table.ts";
import type { Store } from "../db/store.ts";
import { bounds } from "../queries/read-runs.ts";
import { combine, isAny, isBetween, isNull, type Condition } from "../queries/condition.ts";
import { readTextSearch } from "../queries/text-search.ts";
import { found, param, type Handlers } from "./handler.ts";

/** Lines of logs; `create_logs` is a hot route of the core. */
export const logHandlers: Handlers = {
  "POST /logs/filter": async (call, { store }) => {
    const body = call.body as ReadLogsBody;
    const rows = await store.read(() => readLogs(store, body));
    return reply(200, rows.map(logBody));
  },
  "GET /flow_runs/{id}/logs/download": async (call, { store }) => {
    const id = param(call, "id");
    const [name, lines] = await store.read(() => {
      const run = found(store.flowRuns.byId(id), "Flow run");
      const sql = "SELECT * FROM log WHERE flow_run_id = ? ORDER BY timestamp, no";
      // STRICT table: the columns have these types.
      return [run.name, store.query(sql, [id]) as unknown as LogRow[]] as const;
    });
    const rows = lines.map(({ timestamp, level, flow_run_id, task_run_id, message }) =>
      [microsToIso(timestamp).replace("T", " ").replace("Z", "+00:00"), level, flow_run_id, task_run_id, message]
        .map(csvField)
        .join(","),
    );
    const body = ["timestamp,level,flow_run_id,task_run_id,message", ...rows, ""].join("\r\n");
    const fileName = encodeURIComponent(`${name}-logs.csv`);
    const headers = {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename*=UTF-8''${fileName}`,
    };
    return { status: 200, body, headers };
  },
};

/** A field of a CSV file: quoted where it holds what would end it. */
function csvField(value: string | number | null): string {
  const text = value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function readLogs(store: Store, body: ReadLogsBody): LogRow[] {
  const where = logCondition(body.logs ?? {});
  const direction = body.sort === "TIMESTAMP_DESC" ? "DESC" : "ASC";
  const rows = store.query(
    `SELECT * FROM log WHERE ${where.sql} ORDER BY timestamp ${direction}, no ${direction} LIMIT ? OFFSET ?`,
    [...where.parameters, ...bounds(body)],
  );
  // STRICT table: the columns have these types.
  return rows as unknown as LogRow[];
}

function logCondition(filter: NonNullable<ReadLogsBody["logs"]>): Condition {
  const { level, text } = filter;
  return combine(
    [
      isAny("flow_run_id", filter.flow_run_id?.any_),
      isAny("task_run_id", filter.task_run_id?.any_),
      isNull("task_run_id", filter.task_run_id?.is_null_),
      isBetween("timestamp", filter.timestamp),
      typeof level?.ge_ === "number" ? { sql: "level >= ?", parameters: [level.ge_] } : undefined,
      typeof level?.le_ === "number" ? { sql: "level <= ?", parameters: [level.le_] } : undefined,
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

function logBody(row: LogRow): Log {
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
