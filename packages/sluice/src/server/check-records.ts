import type { ProcessRegistration } from "../wire/processes.ts";
import type { RunRecordBatch } from "../wire/run-record.ts";
import { STATE_TYPES } from "../wire/state-types.ts";
import { InvalidRequest } from "./api-reply.ts";

/** Most records in one batch. */
const MAX_RECORDS = 10_000;
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TYPES: ReadonlySet<unknown> = new Set(STATE_TYPES);

/**
 * Checks a batch of run records by hand: the hot path must not wait for a schema library to load, and half a microsecond a record is its share.
 *
 * @throws InvalidRequest that names the record and the field
 */
export function checkRunRecords(body: unknown): RunRecordBatch {
  if (!isObject(body)) fail(["body"], "Expected an object");
  if (typeof body["process_id"] !== "string") fail(["body", "process_id"], "Expected a string");
  const records = body["records"];
  if (!Array.isArray(records)) fail(["body", "records"], "Expected an array");
  if (records.length > MAX_RECORDS)
    fail(["body", "records"], `Expected at most ${MAX_RECORDS} records, got ${records.length}`);
  for (let index = 0; index < records.length; index++) checkRecord(records[index], index);
  // Every field that is read without looking was checked above.
  return body as unknown as RunRecordBatch;
}

function checkRecord(record: unknown, index: number): void {
  if (!isObject(record)) fail(["body", "records", index], "Expected an object");
  const { kind, id, base, transitions, run } = record;
  if (kind !== "task" && kind !== "flow") fail(["body", "records", index, "kind"], 'Expected "task" or "flow"');
  if (typeof id !== "string" || !ID.test(id)) fail(["body", "records", index, "id"], "Expected a lower-case UUID");
  if (base !== "latest" && !(typeof base === "number" && Number.isInteger(base) && base >= 0))
    fail(["body", "records", index, "base"], 'Expected a count or "latest"');
  if (!Array.isArray(transitions) || transitions.length === 0)
    fail(["body", "records", index, "transitions"], "Expected a non-empty array");
  for (const transition of transitions) checkTransition(transition, index);
  if (run !== undefined) checkIdentity(run, kind, index);
}

function checkTransition(transition: unknown, index: number): void {
  if (
    !Array.isArray(transition) ||
    !TYPES.has(transition[0]) ||
    typeof transition[1] !== "string" ||
    !Number.isSafeInteger(transition[2])
  ) {
    fail(["body", "records", index, "transitions"], "Expected [state type, name, microseconds, …]");
  }
}

function checkIdentity(run: unknown, kind: "task" | "flow", index: number): void {
  const loc = ["body", "records", index, "run"] as const;
  if (!isObject(run) || typeof run["name"] !== "string") fail(loc, "Expected an object with a name");
  if (kind === "task") return checkTaskIdentity(run, loc);
  if (typeof run["flow_name"] !== "string" || run["flow_name"] === "") fail([...loc, "flow_name"], "Expected a string");
  if (!isObject(run["parameters"])) fail([...loc, "parameters"], "Expected an object");
  const parent = run["parent_task_run"];
  if (parent === undefined) return;
  if (
    !isObject(parent) ||
    typeof parent["id"] !== "string" ||
    !ID.test(parent["id"]) ||
    typeof parent["name"] !== "string"
  ) {
    fail([...loc, "parent_task_run"], "Expected an object with an id and a name");
  }
  checkTaskIdentity(parent, [...loc, "parent_task_run"]);
}

function checkTaskIdentity(run: Record<string, unknown>, loc: readonly (string | number)[]): void {
  const flowRunId = run["flow_run_id"];
  if (flowRunId !== null && typeof flowRunId !== "string") fail([...loc, "flow_run_id"], "Expected an id or null");
  if (typeof run["task_key"] !== "string") fail([...loc, "task_key"], "Expected a string");
  if (typeof run["dynamic_key"] !== "string") fail([...loc, "dynamic_key"], "Expected a string");
}

/** Checks the registration of a process. @throws InvalidRequest that names the field */
export function checkProcess(body: unknown): ProcessRegistration {
  if (!isObject(body)) fail(["body"], "Expected an object");
  const { id, pid, hostname, boot_id, start_ticks } = body;
  if (typeof id !== "string" || !ID.test(id)) fail(["body", "id"], "Expected a lower-case UUID");
  if (typeof pid !== "number" || !Number.isInteger(pid)) fail(["body", "pid"], "Expected an integer");
  if (typeof hostname !== "string") fail(["body", "hostname"], "Expected a string");
  if (typeof boot_id !== "string") fail(["body", "boot_id"], "Expected a string");
  if (start_ticks !== null && typeof start_ticks !== "number")
    fail(["body", "start_ticks"], "Expected a number or null");
  return { id, pid, hostname, boot_id, start_ticks };
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fail(loc: readonly (string | number)[], msg: string): never {
  throw new InvalidRequest([{ loc, msg, type: "value_error" }]);
}
