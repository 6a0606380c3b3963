/**
 * Ends what a cancel has left open.
 *
 * Three duties a round: 1. a run that has been CANCELLING for longer than the settings allow counts as CANCELLED, and a worker is asked to tear down what
 * still runs of it; 2. the task runs that a cancelled flow
 * run left open are cancelled; 3. so are its subflows: those of deployments are asked (CANCELLING), as somebody else runs them, the others are
 * CANCELLED.
 *
 * A run whose process is registered is left to it: it hears of cancels by itself and tells its end, and if it dies its runs are ended with it.
 */
import type { StateCreate } from "../../wire/contract/shapes.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { TaskRunRow } from "../db/task-run-table.ts";
import { setFlowRunState } from "../orchestration/set-flow-run-state.ts";
import { setTaskRunState } from "../orchestration/task-runs/set-task-run-state.ts";
import type { ServerCore } from "../server-core.ts";
import { askForTeardown } from "../work-pools/ask-for-teardown.ts";
import type { Service } from "./service.ts";

/** Runs that are moved in one write. */
const PORTION = 100;
/** Flow runs that were cancelled longer ago are looked through no more. */
const LOOK_BACK_US = 24 * 3600 * 1_000_000;

/** Of runs that no process owns which is there. */
const UNOWNED = "(process_id IS NULL OR process_id NOT IN (SELECT id FROM process))";

const TIMED_OUT = "Flow run cancellation timed out; marked this flow run as Cancelled.";
const PARENT_CANCELLED = "The parent flow run was cancelled.";

/** The service; see the head of the file. */
export const cancellationCleanup: Service = {
  name: "CANCELLATION_CLEANUP",
  isEnabled: ({ settings }) => settings.cancellationCleanupEnabled,
  loopSeconds: ({ settings }) => settings.cancellationCleanupLoopSeconds,
  run: async (core) => {
    await inPortions(core.store, (after) => cancelTimedOut(core, after));
    await inPortions(core.store, (after) => cancelTaskRuns(core, after));
    await inPortions(core.store, (after) => cancelSubflows(core, after));
  },
};

/** Calls `act` in a write of its own until it returns undefined: with where the next portion begins, which is what it returned. */
async function inPortions(store: Store, act: (after: number) => number | undefined): Promise<void> {
  for (let after: number | undefined = 0; after !== undefined;) {
    const start: number = after;
    after = await store.write(() => act(start));
  }
}

function cancelTimedOut(core: ServerCore, after: number): number | undefined {
  const { store, settings } = core;
  const overdue = store.nowUs() - settings.cancellingTimeoutSeconds * 1e6;
  const query = store.statement(
    `SELECT * FROM flow_run WHERE state_type = 'CANCELLING' AND no > ? AND state_timestamp <= ? AND ${UNOWNED} ORDER BY no LIMIT ${String(PORTION)}`,
  );
  // STRICT table: the columns have these types.
  const rows = query.all(after, overdue) as unknown as Numbered<FlowRunRow>[];
  for (const row of rows) {
    const { result } = setFlowRunState(core, { id: row.id, state: { type: "CANCELLED", message: TIMED_OUT } });
    if (result.status === "ACCEPT" && result.state?.id) askForTeardown(core, row, result.state.id);
  }
  return nextOf(rows);
}

function cancelTaskRuns(core: ServerCore, after: number): number | undefined {
  const { store } = core;
  const query = store.statement(
    `SELECT r.no, r.id FROM flow_run r WHERE r.state_type = 'CANCELLED' AND r.no > ? AND r.end_time >= ? ORDER BY r.no LIMIT ${String(PORTION)}`,
  );
  // STRICT table: the columns have these types.
  const cancelled = query.all(after, store.nowUs() - LOOK_BACK_US) as unknown as Numbered<{ readonly id: string }>[];
  for (const { id, no } of cancelled) {
    if (!hasOpenTasks(store, id)) continue;
    const open = openTasks(store, id);
    const state: StateCreate = { type: "CANCELLED", message: PARENT_CANCELLED };
    for (const task of open) setTaskRunState(core, { id: task.id, state, force: true });
    // As many again, of the same flow run, in the next portion.
    if (open.length === PORTION) return no - 1;
  }
  return nextOf(cancelled);
}

function hasOpenTasks(store: Store, flowRunId: string): boolean {
  return store.taskGroups
    .ofFlowRun(flowRunId)
    .some((group) => group.scheduled + group.pending + group.running + group.paused + group.cancelling > 0);
}

function openTasks(store: Store, flowRunId: string): TaskRunRow[] {
  const query = store.statement(
    `SELECT * FROM task_run_row WHERE flow_run_no = (SELECT no FROM flow_run_key WHERE id = ?) AND end_time IS NULL
       AND child_flow_run_id IS NULL AND ${UNOWNED} LIMIT ${String(PORTION)}`,
  );
  // STRICT table: the columns have these types.
  return query.all(flowRunId) as unknown as TaskRunRow[];
}

function cancelSubflows(core: ServerCore, after: number): number | undefined {
  const { store } = core;
  const query = store.statement(
    `SELECT c.* FROM flow_run c JOIN flow_run p ON p.id = c.parent_flow_run_id
       WHERE c.end_time IS NULL AND c.parent_flow_run_id IS NOT NULL AND p.state_type = 'CANCELLED' AND c.no > ? ORDER BY c.no LIMIT ${String(PORTION)}`,
  );
  // STRICT table: the columns have these types.
  const rows = query.all(after) as unknown as Numbered<FlowRunRow>[];
  for (const row of rows) {
    const isOwned = row.process_id !== null && core.processes.isRegistered(row.process_id);
    const isAsked = row.deployment_id !== null || isOwned;
    if (isAsked && row.state_type === "CANCELLING") continue;
    const state: StateCreate = { type: isAsked ? "CANCELLING" : "CANCELLED", message: PARENT_CANCELLED };
    setFlowRunState(core, { id: row.id, state, policy: "minimal" });
  }
  return nextOf(rows);
}

/** A row with its number, by which portions follow one another. */
type Numbered<Row> = Row & { readonly no: number };

function nextOf(rows: readonly Numbered<object>[]): number | undefined {
  return rows.length < PORTION ? undefined : rows.at(-1)?.no;
}
