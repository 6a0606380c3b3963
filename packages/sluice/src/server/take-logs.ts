import { isoToMicros } from "../wire/timestamp.ts";
import { InvalidRequest } from "./api-reply.ts";
import { isObject } from "./check-records.ts";
import { JSON_LIMITS } from "./read-body.ts";
import type { JsonLimits } from "./request/scan-json.ts";
import type { Store } from "./db/store.ts";
import type { LogRow } from "./db/log-table.ts";

/** Most lines in one request: Prefect's client sends up to 4 MB at once, which is some 20,000 short lines. */
const MAX_LINES = 50_000;
/** What a batch of lines may hold. */
export const LOGS_JSON: JsonLimits = { ...JSON_LIMITS, maxItems: MAX_LINES };
/** Lines that are stored at a stretch: some 10 ms. */
const PORTION = 2000;
const FIELDS = new Set(["name", "level", "message", "timestamp", "flow_run_id", "task_run_id"]);

type LogLine = Omit<LogRow, "no" | "created">;

/** Checks the body of `POST /logs/`. @throws InvalidRequest that names the line and the field */
export function checkLogs(body: unknown): LogLine[] {
  if (!Array.isArray(body)) throw fault(["body"], "Input should be a valid list");
  return body.map(checkLine);
}

/**
 * Stores the lines, in portions between which others have their turn. Resolves when all are durable; what fails in the middle leaves the portions before
 * it, and a client that sends the batch again stores these twice.
 */
export async function storeLogs(store: Store, lines: readonly LogLine[]): Promise<void> {
  for (let from = 0; from < lines.length; from += PORTION) {
    await store.write(() => {
      const now = store.nowUs();
      for (const line of lines.slice(from, from + PORTION)) store.logs.insert(line, now);
    });
  }
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
