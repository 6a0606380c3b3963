/**
 * Proposed transitions: `set_state` of flow runs and task runs, and the first state of a run that is created over REST.
 *
 * The rules decide; what they accept, or put in its place, is written with all its effects in one transaction.
 */
import { decideFlowTransition } from "../../rules/flow-policy.ts";
import { decideTaskTransition } from "../../rules/task-policy.ts";
import type { Decision } from "../../rules/decision.ts";
import { runState, type RunState, type StateDetails } from "../../rules/run-state.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type { OrchestrationResult, StateCreate } from "../../wire/contract/shapes.ts";
import { Refusal } from "../api-reply.ts";
import { newestStateBody } from "../queries/render.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { TaskRunRow } from "../db/task-run-table.ts";
import { stateOf, transitionOf } from "../db/transitions.ts";
import { flowFactsOf, flowPolicyOf } from "./flow-facts.ts";
import type { Recording } from "./flow-run-events.ts";
import { appendToFlowRun, appendToTaskRun, newestTransition, resumeFlowRun } from "./run-history.ts";

/** What came of a proposal; `isNew` says whether a state was written as proposed (201 instead of 200). */
export interface SetStateOutcome {
  readonly isNew: boolean;
  readonly result: OrchestrationResult;
}

/** The processes that own runs, as far as a decision asks. */
export interface Owners {
  /** Whether a process is there, as far as its lease says. */
  isRegistered(id: string): boolean;
  /** Tells the owner of a run that it is to be cancelled; false when there is nobody to tell. */
  tellCancelling(run: FlowRunRow): boolean;
}

/** What a decision needs: where runs are kept, and who owns them. */
export interface Deciding extends Recording {
  readonly processes: Owners;
}

/**
 * Proposes a state for a flow run. Runs inside a write.
 *
 * A cancel goes to the run's owner at once; a run whose owner is gone, or that has an owner no more, becomes CANCELLED at once.
 *
 * @throws Refusal 404
 */
export function setFlowRunState(
  core: Deciding,
  proposal: { readonly id: string; readonly state: StateCreate; readonly force: boolean },
): SetStateOutcome {
  const { store } = core;
  const row = store.flowRuns.byId(proposal.id);
  if (!row) throw new Refusal(404, `Flow run with id ${proposal.id} not found`);
  const outcome = decideFlow(core, row, proposal);
  store.taskGroups.flush();
  return outcome;
}

function decideFlow(
  core: Deciding,
  row: FlowRunRow,
  proposal: { readonly state: StateCreate; readonly force: boolean },
): SetStateOutcome {
  const { store, processes } = core;
  const initial = stateNow(row);
  const proposed = proposedState(proposal.state, nextTimestamp(store, row));
  const facts = flowFactsOf(row, proposed.timestampUs);
  let decision = decideFlowTransition({ initial, proposed }, facts, proposal.force);
  if (decision.kind === "accept" && decision.state.type === "CANCELLING" && isOrphan(row, processes)) {
    const state = runState("CANCELLED", proposed.timestampUs, { message: proposed.message });
    decision = {
      kind: "reject",
      state,
      reason: "The process that ran this flow run is gone: there is nothing to stop.",
    };
  }
  const written = decision.kind === "accept" || decision.kind === "reject" ? decision.state : null;
  const after = written ? writeFlow(core, row, { state: written, decision }) : row;
  if (written?.type === "CANCELLING") processes.tellCancelling(after);
  return outcomeOf(decision, after);
}

function isOrphan(row: FlowRunRow, processes: Owners): boolean {
  const isOpen = row.state_type === null || !isFinalStateType(row.state_type);
  return isOpen && row.process_id !== null && !processes.isRegistered(row.process_id);
}

function writeFlow(
  core: Recording,
  row: FlowRunRow,
  written: { readonly state: RunState; readonly decision: Decision },
): FlowRunRow {
  const { state, decision } = written;
  const policy = flowPolicyOf(row);
  const patch = "policyPatch" in decision ? decision.policyPatch : undefined;
  const isResuming = policy.resuming === true && state.type === "RUNNING";
  const after = (isResuming ? resumeFlowRun : appendToFlowRun)(core, row, [transitionOf(state)]);
  if (patch === undefined && !isResuming) return after;
  const empirical_policy = JSON.stringify({ ...policy, ...patch, ...(isResuming ? { resuming: false } : {}) });
  core.store.flowRuns.patch(row.id, { empirical_policy });
  return { ...after, empirical_policy };
}

/** Proposes a state for a task run. Runs inside a write. @throws Refusal 404 */
export function setTaskRunState(
  store: Store,
  proposal: { readonly id: string; readonly state: StateCreate; readonly force: boolean },
): SetStateOutcome {
  const row = store.taskRuns.byId(proposal.id);
  if (!row) throw new Refusal(404, `Task run with id ${proposal.id} not found`);
  const proposed = proposedState(proposal.state, nextTimestamp(store, row));
  const flowRun = row.flow_run_id === null ? undefined : store.flowRuns.byId(row.flow_run_id);
  const facts = {
    nowUs: proposed.timestampUs,
    runCount: row.run_count,
    ...retriesOf(row),
    ...(flowRun ? { flowRunState: flowRun.state_type } : {}),
  };
  const decision = decideTaskTransition({ initial: stateNow(row), proposed }, facts, proposal.force);
  const written = decision.kind === "accept" || decision.kind === "reject" ? decision.state : null;
  const after = written ? appendToTaskRun({ store }, row, [transitionOf(written)]) : row;
  store.taskGroups.flush();
  return outcomeOf(decision, after);
}

/** Makes the state that a client proposes, with the contract's defaults: the type's name, now as the time of a schedule. */
export function proposedState(state: StateCreate, timestampUs: number): RunState {
  const details: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(state.state_details ?? {}))
    if (value !== null && value !== false) details[name] = value;
  if (state.type === "SCHEDULED") details["scheduled_time"] ??= microsToIso(timestampUs);
  // The schema has checked the fields that the rules read.
  const checked = details as StateDetails;
  const rest = { message: state.message ?? null, data: state.data ?? null, details: checked };
  return runState(state.type, timestampUs, state.name ? { name: state.name, ...rest } : rest);
}

function stateNow(row: FlowRunRow | TaskRunRow): RunState | null {
  const newest = newestTransition(row);
  return newest ? stateOf(newest) : null;
}

function nextTimestamp(store: Store, row: FlowRunRow | TaskRunRow): number {
  return Math.max(store.nowUs(), (row.state_timestamp ?? 0) + 1);
}

function retriesOf(row: TaskRunRow): { readonly retries: number; readonly retryDelaySeconds: number } {
  // Only this server writes the column, from validated bodies or the engine's records.
  const details =
    row.details === null
      ? {}
      : (JSON.parse(row.details) as { empirical_policy?: { retries?: number; retry_delay?: number | number[] } });
  const { retries = 0, retry_delay: delay = 0 } = details.empirical_policy ?? {};
  const seconds = Array.isArray(delay) ? (delay[Math.min(row.run_count, delay.length) - 1] ?? 0) : delay;
  return { retries: retries ?? 0, retryDelaySeconds: seconds ?? 0 };
}

function outcomeOf(decision: Decision, row: FlowRunRow | TaskRunRow): SetStateOutcome {
  const state = decision.kind === "accept" || decision.kind === "reject" ? newestStateBody(row) : null;
  if (decision.kind === "accept")
    return { isNew: true, result: { state, status: "ACCEPT", details: { type: "accept_details" } } };
  const { reason } = decision;
  if (decision.kind === "reject")
    return { isNew: false, result: { state, status: "REJECT", details: { type: "reject_details", reason } } };
  if (decision.kind === "abort")
    return { isNew: false, result: { state, status: "ABORT", details: { type: "abort_details", reason } } };
  return {
    isNew: false,
    result: { state, status: "WAIT", details: { type: "wait_details", delay_seconds: decision.delaySeconds, reason } },
  };
}
