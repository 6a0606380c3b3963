import { markDeploymentsNotReady } from "../deployments/deployment-status.ts";
import type { ServerCore } from "../server-core.ts";
import { tellQueueStatus } from "../work-pools/pool-events.ts";
import type { WorkPoolRow, WorkQueueRow } from "../work-pools/pool-rows.ts";
import { setPoolStatus } from "../work-pools/pools.ts";
import type { Service } from "./service.ts";

/** Keeps the status of workers, pools, queues and deployments: whoever has not been heard of for too long is not ready any more. */
export const foreman: Service = {
  name: "FOREMAN",
  isEnabled: ({ settings }) => settings.foremanEnabled,
  loopSeconds: ({ settings }) => settings.foremanLoopSeconds,
  run: (core) => core.store.write(() => lookAfter(core)),
};

function lookAfter(core: ServerCore): void {
  const { store, settings } = core;
  const now = store.nowUs();
  store
    .statement(
      "UPDATE worker SET status = 'OFFLINE' WHERE status = 'ONLINE' AND ? - last_heartbeat > coalesce(heartbeat_interval_seconds, ?) * ? * 1000000",
    )
    .run(now, settings.foremanFallbackHeartbeatSeconds, settings.foremanInactivityHeartbeatMultiple);
  const pools = store.query(
    `SELECT p.* FROM work_pool p WHERE p.status = 'READY' AND NOT EXISTS (SELECT 1 FROM worker w WHERE w.work_pool_id = p.id AND w.status = 'ONLINE')`,
    [],
  );
  // STRICT tables: the columns have these types.
  for (const pool of pools as unknown as WorkPoolRow[]) setPoolStatus(core, pool, "NOT_READY");
  const silentSince = now - settings.foremanDeploymentLastPolledTimeoutSeconds * 1e6;
  const deployments = store.query(
    `SELECT d.id FROM deployment d LEFT JOIN work_queue q ON q.id = d.work_queue_id
     WHERE d.status = 'READY' AND d.last_polled < ? AND (q.last_polled IS NULL OR q.last_polled < ?)`,
    [silentSince, silentSince],
  );
  markDeploymentsNotReady(
    core,
    deployments.map(({ id }) => String(id)),
  );
  const queues = store.query("SELECT * FROM work_queue WHERE status = 'READY' AND last_polled < ?", [
    now - settings.foremanWorkQueueLastPolledTimeoutSeconds * 1e6,
  ]);
  for (const queue of queues as unknown as WorkQueueRow[]) {
    store.statement("UPDATE work_queue SET status = 'NOT_READY' WHERE id = ?").run(queue.id);
    tellQueueStatus(core, { ...queue, status: "NOT_READY" });
  }
}
