import type { FlowRunResponse } from "../../wire/contract/shapes.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { flowRunBody } from "./render.ts";

/** A flow run as the wire shows it, with the pool of its work queue. */
export function flowRunView(store: Store, row: FlowRunRow): FlowRunResponse {
  const body = flowRunBody(row, store.nowUs());
  if (row.work_queue_id === null) return body;
  const pool = store
    .statement(
      "SELECT p.id, p.name, q.name AS queue FROM work_queue q JOIN work_pool p ON p.id = q.work_pool_id WHERE q.id = ?",
    )
    .get(row.work_queue_id);
  if (!pool) return body;
  return {
    ...body,
    work_queue_name: String(pool["queue"]),
    work_pool_id: String(pool["id"]),
    work_pool_name: String(pool["name"]),
  };
}
