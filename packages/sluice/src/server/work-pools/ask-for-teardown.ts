import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { addCleanup } from "./cleanup-queue.ts";
import { poolById, queueById } from "./pool-rows.ts";

/** Where messages are kept, and those who wait for them. */
export interface TeardownCore {
  readonly store: Store;
  readonly workerChannels: { noteChange(poolId: string): void };
}

/** Kinds of pools whose runs no worker has started. */
const WORKERLESS = /:(?:push|managed)$/;

/**
 * Asks a worker of a run's pool to tear down what still runs of it, once for each state of the run. Runs inside a write.
 *
 * @param stateId of the state that the run was ended with
 */
export function askForTeardown({ store, workerChannels }: TeardownCore, run: FlowRunRow, stateId: string): void {
  const queue = run.work_queue_id === null ? undefined : queueById(store, run.work_queue_id);
  const pool = queue && poolById(store, queue.work_pool_id);
  if (!queue || !pool || WORKERLESS.test(pool.type)) return;
  const kind = "cancelling_timeout_teardown.v1";
  addCleanup(store, {
    key: `${kind}:${run.id}:${stateId}`,
    poolId: pool.id,
    queueId: queue.id,
    kind,
    target: { flow_run_id: run.id, infrastructure_pid: run.infrastructure_pid },
  });
  workerChannels.noteChange(pool.id);
}
