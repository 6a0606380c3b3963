import type { Log, ReadLogsBody } from "../../wire/contract/shapes.ts";
import { stateId } from "../../wire/state-id.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { reply } from "../api-reply.ts";
import type { LogRow } from "../db/log-table.ts";
import type { Store } from "../db/store.ts";
import { bounds } from "../queries/read-runs.ts";
import { combine, isAny, isBetween, isNull, type Condition } from "../queries/condition.ts";
import type { Handlers } from "./handler.ts";

/** Lines of logs; `create_logs` is a hot route of the core. */
export const logHandlers: Handlers = {
  "POST /logs/filter": async (call, { store }) => {
    const body = call.body as ReadLogsBody;
    const rows = await store.read(() => readLogs(store, body));
    return reply(200, rows.map(logBody));
  },
};

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
      text ? { sql: "instr(lower(message), lower(?)) > 0", parameters: [text.query] } : undefined,
    ],
    filter.operator,
  );
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
