import { endLeasesOf } from "../concurrency/concurrency-leases.ts";
import { deleteInputsOf } from "../db/flow-run-inputs.ts";
import type { Store } from "../db/store.ts";
import type { DeploymentRow } from "../deployments/deployment-rows.ts";
import { deleteDeployment } from "../deployments/deployments.ts";
import { tellFlow } from "../events/object-events.ts";
import type { ServerCore } from "../server-core.ts";

/** Rows taken away in one turn: some 10 ms. */
const PORTION = 2000;

/** Deletes a flow run with what it holds and all that hangs on it. Resolves to false when there is no such run. */
export async function deleteFlowRun(store: Store, id: string): Promise<boolean> {
  const isThere = await store.write(() => {
    endLeasesOf(store, id);
    deleteInputsOf(store, id);
    return store.flowRuns.delete(id);
  });
  if (isThere) await purgeRunData(store, id);
  return isThere;
}

/** Flow runs taken away in one turn with all that is theirs but task runs and logs. */
const RUNS_PORTION = 100;

/**
 * Deletes a flow with its deployments and its runs. What hangs on the runs is taken away afterwards, while others are answered. Interrupted, the flow is
 * still there.
 *
 * @returns false when there is no such flow
 */
export async function deleteFlow(core: ServerCore, id: string): Promise<boolean> {
  const { store } = core;
  const flow = await store.read(() => store.flows.byId(id));
  if (!flow) return false;
  while (await store.write(() => deleteRunsOfFlow(store, id)));
  const isDeleted = await store.write(() => {
    const deployments = store.query("SELECT * FROM deployment WHERE flow_id = ?", [id]);
    // STRICT table: the columns have these types.
    for (const row of deployments as unknown as DeploymentRow[]) deleteDeployment(core, row);
    // The runs that were made meanwhile.
    while (deleteRunsOfFlow(store, id));
    const isThere = store.flows.delete(id);
    if (isThere) tellFlow(core.events, "deleted", flow);
    return isThere;
  });
  finishPurges(core);
  return isDeleted;
}

function deleteRunsOfFlow(store: Store, flowId: string): boolean {
  const runs = store.query(`SELECT id FROM flow_run WHERE flow_id = ? LIMIT ${RUNS_PORTION}`, [flowId]);
  for (const row of runs) {
    const id = String(row["id"]);
    endLeasesOf(store, id);
    deleteInputsOf(store, id);
    store.statement("INSERT INTO purge (flow_run_id) VALUES (?) ON CONFLICT DO NOTHING").run(id);
    store.flowRuns.delete(id);
  }
  return runs.length > 0;
}

/** Deletes a task run with what it holds and its logs. Resolves to false when there is no such run. */
export async function deleteTaskRun(store: Store, id: string): Promise<boolean> {
  const isThere = await store.write(() => {
    const row = store.taskRuns.byId(id);
    if (!row) return false;
    endLeasesOf(store, id);
    store.taskGroups.add(row, -1);
    store.taskGroups.flush();
    return store.taskRuns.delete(id);
  });
  if (!isThere) return false;
  const logs = `DELETE FROM log WHERE no IN (SELECT no FROM log WHERE task_run_id = ? LIMIT ${PORTION})`;
  while (await store.write(() => store.statement(logs).run(id).changes > 0));
  return true;
}

/**
 * Takes away the task runs, counters and logs of a flow run that is gone, in portions, so that other requests are answered between them. Its subflows
 * and artifacts stay and lose the link. Interrupted, it is finished by {@link finishPurges} when the store is opened next.
 */
export async function purgeRunData(store: Store, flowRunId: string): Promise<void> {
  await store.write(() => {
    store.statement("INSERT INTO purge (flow_run_id) VALUES (?) ON CONFLICT DO NOTHING").run(flowRunId);
    store
      .statement(
        "UPDATE flow_run SET parent_task_run_id = NULL, parent_flow_run_id = NULL WHERE parent_flow_run_id = ?",
      )
      .run(flowRunId);
    store.statement("UPDATE artifact SET flow_run_id = NULL, task_run_id = NULL WHERE flow_run_id = ?").run(flowRunId);
    store.taskGroups.deleteOf(flowRunId);
    endLeasesOfTasks(store, flowRunId);
  });
  while (await store.write(() => purgePortion(store, flowRunId) || endPurge(store, flowRunId)));
}

function endLeasesOfTasks(store: Store, flowRunId: string): void {
  const held = store.query(
    `SELECT DISTINCT l.holder_id AS id FROM concurrency_lease l JOIN task_run t ON t.id = l.holder_id
     WHERE t.flow_run_no = (SELECT no FROM flow_run_key WHERE id = ?)`,
    [flowRunId],
  );
  for (const { id } of held) endLeasesOf(store, String(id));
}

/** Goes on with what is not yet taken away, while others are answered; what is left when the server ends is finished by the next. */
export function finishPurges({ store, onError }: ServerCore): void {
  const finish = async (): Promise<void> => {
    const left = await store.read(() => store.query("SELECT flow_run_id FROM purge", []));
    for (const row of left) await purgeRunData(store, String(row["flow_run_id"]));
  };
  finish().catch((error: unknown) => {
    if (store.database.isOpen) onError(error);
  });
}

/** In the same write as the last look at the task runs: one that was reported in between would be the next flow run's, which gets the number. */
function endPurge(store: Store, flowRunId: string): boolean {
  store.statement("DELETE FROM flow_run_key WHERE id = ?").run(flowRunId);
  store.statement("DELETE FROM purge WHERE flow_run_id = ?").run(flowRunId);
  store.taskRuns.forget();
  return false;
}

function purgePortion(store: Store, flowRunId: string): boolean {
  const tasks = store
    .statement(
      `DELETE FROM task_run WHERE no IN (SELECT no FROM task_run WHERE flow_run_no = (SELECT no FROM flow_run_key WHERE id = ?) LIMIT ${PORTION})`,
    )
    .run(flowRunId);
  const logs = store
    .statement(`DELETE FROM log WHERE no IN (SELECT no FROM log WHERE flow_run_id = ? LIMIT ${PORTION})`)
    .run(flowRunId);
  return Number(tasks.changes) + Number(logs.changes) > 0;
}
