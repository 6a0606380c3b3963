import type { Store } from "../db/store.ts";

/** A deployment as stored; JSON in all that is structured. */
export interface DeploymentRow {
  readonly id: string;
  readonly flow_id: string;
  readonly name: string;
  readonly version: string | null;
  readonly version_info: string | null;
  readonly description: string | null;
  readonly path: string | null;
  readonly entrypoint: string | null;
  readonly paused: number;
  readonly enforce_parameter_schema: number;
  readonly tags: string;
  readonly labels: string;
  readonly parameters: string;
  readonly parameter_openapi_schema: string | null;
  readonly job_variables: string;
  readonly pull_steps: string | null;
  readonly concurrency_options: string | null;
  readonly concurrency_limit_id: string | null;
  readonly storage_document_id: string | null;
  readonly infrastructure_document_id: string | null;
  readonly work_queue_id: string | null;
  readonly work_queue_name: string | null;
  readonly last_polled: number | null;
  readonly status: "READY" | "NOT_READY";
  readonly created_by: string | null;
  readonly updated_by: string | null;
  readonly created: number;
  readonly updated: number;
}

/** A schedule of a deployment as stored; `schedule` and `parameters` are JSON. */
export interface ScheduleRow {
  readonly id: string;
  readonly deployment_id: string;
  readonly schedule: string;
  readonly active: number;
  readonly max_scheduled_runs: number | null;
  readonly parameters: string;
  readonly slug: string | null;
  readonly created: number;
  readonly updated: number;
}

/** A value that a column takes. */
export type ColumnValue = string | number | null;

/** Finds a deployment by id. */
export function deploymentById(store: Store, id: string): DeploymentRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM deployment WHERE id = ?").get(id) as DeploymentRow | undefined;
}

/** Finds a deployment by its flow and name. */
export function deploymentOfFlow(store: Store, flowId: string, name: string): DeploymentRow | undefined {
  const query = store.statement("SELECT * FROM deployment WHERE flow_id = ? AND name = ?");
  // STRICT table: the columns have these types.
  return query.get(flowId, name) as DeploymentRow | undefined;
}

/** Finds a deployment by the names of its flow and its own. */
export function deploymentByNames(store: Store, flowName: string, name: string): DeploymentRow | undefined {
  const query = store.statement(
    "SELECT d.* FROM deployment d JOIN flow f ON f.id = d.flow_id WHERE f.name = ? AND d.name = ?",
  );
  // STRICT table: the columns have these types.
  return query.get(flowName, name) as DeploymentRow | undefined;
}

/** The schedules of a deployment, the one changed last first. */
export function schedulesOf(store: Store, deploymentId: string): ScheduleRow[] {
  const query = store.statement(
    "SELECT * FROM deployment_schedule WHERE deployment_id = ? ORDER BY updated DESC, no DESC",
  );
  // STRICT table: the columns have these types.
  return query.all(deploymentId) as unknown as ScheduleRow[];
}

/** Writes columns of a deployment. Runs inside a write. */
export function writeDeployment(store: Store, id: string, columns: Readonly<Record<string, ColumnValue>>): void {
  const names = Object.keys(columns);
  if (names.length === 0) return;
  store
    .statement(`UPDATE deployment SET ${names.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`)
    .run(...Object.values(columns), id);
}
