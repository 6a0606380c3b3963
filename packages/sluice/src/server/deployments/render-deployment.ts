import type { DeploymentResponse } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { globalLimitBody } from "../concurrency/render-limit.ts";
import { limitById } from "../concurrency/concurrency-limits.ts";
import type { Store } from "../db/store.ts";
import { isoOrNull } from "../queries/render.ts";
import { schedulesOf, type DeploymentRow } from "./deployment-rows.ts";
import { scheduleBody } from "./schedules.ts";

/** A deployment as the wire shows it. */
export function deploymentBody(store: Store, row: DeploymentRow): DeploymentResponse {
  const limit = row.concurrency_limit_id === null ? undefined : limitById(store, row.concurrency_limit_id);
  const pool =
    row.work_queue_id === null
      ? undefined
      : store
          .statement(
            "SELECT p.name, q.name AS queue FROM work_queue q JOIN work_pool p ON p.id = q.work_pool_id WHERE q.id = ?",
          )
          .get(row.work_queue_id);
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    version: row.version,
    description: row.description,
    flow_id: row.flow_id,
    paused: row.paused === 1,
    schedules: schedulesOf(store, row.id).map(scheduleBody),
    concurrency_limit: null,
    global_concurrency_limit: limit ? globalLimitBody(limit, store.nowUs()) : null,
    concurrency_options: json(row.concurrency_options),
    job_variables: json(row.job_variables),
    parameters: json(row.parameters),
    tags: json(row.tags),
    labels: json(row.labels),
    work_queue_name: pool ? String(pool["queue"]) : row.work_queue_name,
    work_queue_id: row.work_queue_id,
    last_polled: isoOrNull(row.last_polled),
    parameter_openapi_schema: json(row.parameter_openapi_schema ?? "{}"),
    path: row.path,
    pull_steps: json(row.pull_steps ?? "[]"),
    entrypoint: row.entrypoint,
    storage_document_id: row.storage_document_id,
    infrastructure_document_id: row.infrastructure_document_id,
    created_by: json(row.created_by),
    updated_by: json(row.updated_by),
    work_pool_name: pool ? String(pool["name"]) : null,
    status: row.status,
    enforce_parameter_schema: row.enforce_parameter_schema === 1,
  };
}

/** A column of JSON, written from a validated body of the shape that is asked for. */
// oxlint-disable-next-line typescript/no-explicit-any -- each caller's field says the shape
function json(text: string | null): any {
  return text === null ? null : JSON.parse(text);
}
