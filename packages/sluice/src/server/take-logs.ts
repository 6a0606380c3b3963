import { isoToMicros } from "../wire/timestamp.ts";
import { InvalidRequest } from "./api-reply.ts";
import { isObject } from "./check-records.ts";
import type { Store } from "./db/store.ts";
import type { LogRow } from "./db/log-table.ts";

/** Most lines in one request. */
const MAX_LINES = 50_000;
const FIELDS = new Set(["name", "level", "message", "timestamp", "flow_run_id", "task_run_id"]);

type LogLine = Omit<LogRow, "no" | "created">;

/** Checks the body of `POST /logs/`. @throws InvalidRequest that names the line and the field */
export function checkLogs(body: unknown): LogLine[] {
  if (!Array.isArray(body)) throw fault(["body"], "Input should be a valid list");
  if (body.length > MAX_LINES) throw fault(["body"], `At most ${MAX_LINES} lines, got ${body.length}`);
  return body.map(checkLine);
}

/** Stores the lines. Runs inside a write. */
export function storeLogs(store: Store, lines: readonly LogLine[]): void {
  const now = store.nowUs();
  for (const line of lines) store.logs.insert(line, now);
}

function checkLine(line: unknown, index: number): LogLine {
  if (!isObject(line)) throw fault(["body", index], "Input should be a valid object");
  const { name, level, message, timestamp, flow_run_id = null, task_run_id = null } = line;
  if (typeof name !== "string") throw fault(["body", index, "name"], "Input should be a valid string");
  if (typeof level !== "number" || !Number.isInteger(level))
    throw fault(["body", index, "level"], "Input should be a valid integer");
  if (typeof message !== "string") throw fault(["body", index, "message"], "Input should be a valid string");
  const timestampUs = typeof timestamp === "string" ? isoToMicros(timestamp) : undefined;
  if (timestampUs === undefined) throw fault(["body", index, "timestamp"], "Input should be a valid datetime");
  if (flow_run_id !== null && typeof flow_run_id !== "string")
    throw fault(["body", index, "flow_run_id"], "Input should be a valid UUID");
  if (task_run_id !== null && typeof task_run_id !== "string")
    throw fault(["body", index, "task_run_id"], "Input should be a valid UUID");
  const extra = Object.keys(line).find((key) => !FIELDS.has(key));
  if (extra !== undefined) throw fault(["body", index, extra], "Extra inputs are not permitted");
  return { name, level, message, timestamp: timestampUs, flow_run_id, task_run_id };
}

function fault(loc: readonly (string | number)[], msg: string): InvalidRequest {
  return new InvalidRequest([{ loc, msg, type: "value_error" }]);
}
