import type { Store } from "../db/store.ts";
import type { EventLog } from "../events/event-log.ts";

/** A deployment as far as its status asks. */
interface StatusRow {
  readonly id: string;
  readonly name: string;
  readonly status: "READY" | "NOT_READY";
  readonly flow_id: string;
  readonly work_queue_id: string | null;
}

/** Where deployments are kept and what happens to them is told. */
export interface DeploymentCore {
  readonly store: Store;
  readonly events: EventLog;
}

/** Notes that somebody looks for the runs of deployments: they are ready. Runs inside a write. */
export function noteDeploymentPolls(core: DeploymentCore, ids: readonly string[]): void {
  if (ids.length === 0) return;
  const { store } = core;
  const wanted = JSON.stringify(ids);
  const sleeping = store.statement(
    `SELECT id, name, status, flow_id, work_queue_id FROM deployment WHERE id IN (SELECT value FROM json_each(?)) AND status <> 'READY'`,
  );
  // STRICT table: the columns have these types.
  const woken = sleeping.all(wanted) as unknown as StatusRow[];
  store
    .statement("UPDATE deployment SET last_polled = ?, status = 'READY' WHERE id IN (SELECT value FROM json_each(?))")
    .run(store.nowUs(), wanted);
  for (const row of woken) tellDeployment(core, "ready", row);
}

/** Ids of the deployments whose runs go to any of these queues. */
export function deploymentsOfQueues(store: Store, queueIds: readonly string[]): string[] {
  const query = store.statement(
    "SELECT id FROM deployment WHERE work_queue_id IN (SELECT value FROM json_each(?)) ORDER BY no",
  );
  return query.all(JSON.stringify(queueIds)).map(({ id }) => String(id));
}

/** Says of deployments that nobody looks for their runs any more. Runs inside a write. */
export function markDeploymentsNotReady(core: DeploymentCore, ids: readonly string[]): void {
  for (const id of ids) {
    const row = statusRow(core.store, id);
    if (row?.status !== "READY") continue;
    core.store.statement("UPDATE deployment SET status = 'NOT_READY' WHERE id = ?").run(id);
    tellDeployment(core, "not-ready", row);
  }
}

function statusRow(store: Store, id: string): StatusRow | undefined {
  const query = store.statement("SELECT id, name, status, flow_id, work_queue_id FROM deployment WHERE id = ?");
  // STRICT table: the columns have these types.
  return query.get(id) as StatusRow | undefined;
}

/** Tells what happened to a deployment, with its flow, queue and pool. Runs inside a write. */
export function tellDeployment(
  { store, events }: DeploymentCore,
  act: "created" | "updated" | "deleted" | "ready" | "not-ready" | "schedule-disabled",
  row: Pick<StatusRow, "id" | "name" | "flow_id" | "work_queue_id"> & {
    readonly payload?: Readonly<Record<string, unknown>>;
  },
): void {
  events.append({
    event: `prefect.deployment.${act}`,
    resource: { "prefect.resource.id": `prefect.deployment.${row.id}`, "prefect.resource.name": row.name },
    related: relatedOf(store, row),
    payload: row.payload ?? {},
  });
}

function relatedOf(store: Store, row: Pick<StatusRow, "flow_id" | "work_queue_id">): Record<string, string>[] {
  const flow = store.flows.byId(row.flow_id);
  const related = flow ? [resource("flow", flow.id, { name: flow.name })] : [];
  if (row.work_queue_id === null) return related;
  const queue = store
    .statement(
      "SELECT q.id, q.name, p.id AS pool_id, p.name AS pool_name, p.type FROM work_queue q JOIN work_pool p ON p.id = q.work_pool_id WHERE q.id = ?",
    )
    .get(row.work_queue_id);
  if (!queue) return related;
  return [
    ...related,
    resource("work-queue", String(queue["id"]), { name: String(queue["name"]) }),
    resource("work-pool", String(queue["pool_id"]), {
      name: String(queue["pool_name"]),
      "prefect.work-pool.type": String(queue["type"]),
    }),
  ];
}

function resource(
  role: string,
  id: string,
  { name, ...more }: { readonly name: string } & Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    "prefect.resource.id": `prefect.${role}.${id}`,
    "prefect.resource.role": role,
    "prefect.resource.name": name,
    ...more,
  };
}
