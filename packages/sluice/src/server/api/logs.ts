import type { ReadLogsBody } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { reply } from "../api-reply.ts";
import type { LogRow } from "../db/log-table.ts";
import { bounds } from "../queries/read-runs.ts";
import { logBody, readLogs } from "../queries/read-logs.ts";
import { found, param, type ReadHandlers } from "./handler.ts";

/** Lines of logs; `create_logs` is a hot route of the core. */
export const logHandlers: ReadHandlers = {
  "POST /logs/filter": async (call, { store }) => {
    const body = call.body as ReadLogsBody;
    const rows = await store.read(() => readLogs(store, body.logs ?? {}, { sort: body.sort, bounds: bounds(body) }));
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
      [pythonTime(timestamp), level, flow_run_id, task_run_id, message].map(csvField).join(","),
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

/** As Python prints a time: a whole second has no fraction. */
function pythonTime(micros: number): string {
  return microsToIso(micros)
    .replace("T", " ")
    .replace(/(?:\.000000)?Z$/, "+00:00");
}

/** A field of a CSV file: quoted where it holds what would end it. */
function csvField(value: string | number | null): string {
  const text = value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
