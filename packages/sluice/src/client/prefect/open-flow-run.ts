import type { FlowRunIdentity, RecordVerdict, TransitionRecord } from "../../wire/run-record.ts";
import type { FlowRunResponse, State } from "../../wire/contract/shapes.ts";
import type { StateType } from "../../wire/state-types.ts";

/** A transition as it is told apart from the others of its run. */
export interface TakenTransition {
  readonly type: StateType;
  readonly timestampUs: number;
}

/** A flow run of this process as the server and we know it. */
export interface OpenFlowRun {
  /** The server's. */
  readonly id: string;
  readonly flowId: string;
  /** Undefined for a run that another process has created. */
  readonly flowName: string | undefined;
  readonly name: string;
  readonly tags: readonly string[];
  /** How often the server would try the run again by itself. */
  retries: number;
  /** How often the run has entered RUNNING. */
  runCount: number;
  /** Transitions that the server has accepted from us, in order. */
  readonly taken: TakenTransition[];
  /** Where the run stood when the server last said so. */
  state: ServerState;
  /** Monotonic milliseconds of that moment. */
  heardMs: number;
}

/** What is looked at of a server's state. */
export interface ServerState {
  readonly type: StateType;
  readonly name: string;
  readonly message: string | null;
}

/** Takes a flow run over from the server's answer. */
export function openFlowRun(
  row: FlowRunResponse,
  more: { readonly flowName: string | undefined; readonly nowMs: number },
): OpenFlowRun {
  return {
    id: row.id,
    flowId: row.flow_id,
    flowName: more.flowName,
    name: row.name ?? "",
    tags: row.tags ?? [],
    retries: row.empirical_policy?.retries ?? 0,
    runCount: row.run_count ?? 0,
    taken: [],
    state: serverState(row.state),
    heardMs: more.nowMs,
  };
}

/** Reads a state of the server; a run without one counts as pending, as Prefect creates it. */
export function serverState(state: State | null | undefined): ServerState {
  if (!state) return { type: "PENDING", name: "Pending", message: null };
  return { type: state.type, name: state.name ?? state.type, message: state.message ?? null };
}

/** Whether the run has made this transition already. */
export function hasTaken(run: { readonly taken: readonly TakenTransition[] }, [type, , us]: TransitionRecord): boolean {
  return run.taken.some((known) => known.type === type && known.timestampUs === us);
}

/** The state that a transition proposes, as the server takes it. @param transitionId the same each time it is proposed, so that it is made once */
export function proposedState(transition: TransitionRecord, transitionId: string): Readonly<Record<string, unknown>> {
  const [type, name, , message = null, data = null, details] = transition;
  return { type, name, message, data, state_details: { ...details, transition_id: transitionId } };
}

/** The body that creates a flow run. `record.id` makes a repeated request give the same run. */
export function flowRunToCreate(
  record: { readonly id: string; readonly first: TransitionRecord; readonly transitionId: string },
  identity: FlowRunIdentity,
  ids: { readonly flowId: string; readonly parentTaskRunId: string | null },
): Readonly<Record<string, unknown>> {
  const { entrypoint, labels } = identity;
  return {
    name: identity.name,
    flow_id: ids.flowId,
    flow_version: identity.flow_version ?? null,
    parameters: identity.parameters,
    tags: identity.tags ?? [],
    labels: { ...labels, ...(entrypoint !== undefined && { "sluice.entrypoint": entrypoint }) },
    empirical_policy: identity.empirical_policy ?? {},
    parent_task_run_id: ids.parentTaskRunId,
    idempotency_key: identity.idempotency_key ?? record.id,
    state: proposedState(record.first, record.transitionId),
  };
}

/** The body that creates the tracking task run of a subflow. */
export function trackingToCreate(tracking: NonNullable<FlowRunIdentity["parent_task_run"]>): object {
  return {
    id: tracking.id,
    name: tracking.name,
    flow_run_id: tracking.flow_run_id,
    task_key: tracking.task_key,
    dynamic_key: tracking.dynamic_key,
    tags: tracking.tags ?? [],
    task_inputs: tracking.task_inputs ?? {},
    state: { type: "PENDING", name: "Pending" },
  };
}

/** Why a proposal was not taken; the rest of a verdict is the run's. */
export type Refusal = Pick<RecordVerdict, "status" | "reason" | "delay_seconds">;
