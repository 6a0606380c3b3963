/**
 * The law of flow runs: which transition is accepted, in Prefect 3's order and with its words where clients read them.
 *
 * Rules that need deployments, work pools or concurrency limits join the list with those. Everything here is pure: the clock and the run's
 * settings come as {@link FlowFacts}, and what changes goes out in the {@link Decision}.
 */
import { microsToIso, isoToMicros } from "../wire/timestamp.ts";
import { isFinalStateType } from "../wire/state-types.ts";
import { decide, type Decision, type Rule, type Transition } from "./decision.ts";
import { hasPersistedResult, runState } from "./run-state.ts";
import { copyScheduledTime, preventPendingTransitions, waitForScheduledTime } from "./shared-rules.ts";

/** What the rules must know of the flow run and of now. */
export interface FlowFacts {
  readonly nowUs: number;
  /** How often the run has entered RUNNING. */
  readonly runCount: number;
  readonly retries: number;
  readonly retryDelaySeconds: number;
  /** True for a run of a deployment: only such a run can be scheduled again. */
  readonly isDeployed: boolean;
  readonly isSubflow: boolean;
  /** True while a process or other infrastructure is known that could hear a cancel. */
  readonly hasInfrastructure: boolean;
  readonly pauseKeys: readonly string[];
}

const preventDuplicateTransitions: Rule<FlowFacts> = ({ initial, proposed }) => {
  const id = proposed.details.transition_id;
  if (!id || initial?.details.transition_id !== id) return undefined;
  return { kind: "reject", state: null, reason: "This run has already made this state transition." };
};

const handleTerminalStates: Rule<FlowFacts> = ({ initial, proposed }, facts) => {
  if (initial === null || !isFinalStateType(initial.type)) return undefined;
  if (proposed.type === "CANCELLING" || proposed.type === "PAUSED" || proposed.type === "CRASHED") {
    return { kind: "abort", reason: `Run is already in terminal state ${initial.type}.` };
  }
  const keepsResult = initial.type === "COMPLETED" && hasPersistedResult(initial.data);
  if (keepsResult && !isFinalStateType(proposed.type))
    return { kind: "reject", state: null, reason: "Run is already COMPLETED." };
  if (keepsResult && proposed.type === "COMPLETED" && !hasPersistedResult(proposed.data)) {
    return {
      kind: "reject",
      state: null,
      reason: "Cannot overwrite a COMPLETED state that carries persisted result data with one that does not.",
    };
  }
  if (proposed.type === "SCHEDULED" && !facts.isDeployed) {
    return { kind: "abort", reason: "Cannot reschedule a run without an associated deployment." };
  }
  if (isFinalStateType(proposed.type)) return undefined;
  return {
    kind: "change",
    state: proposed,
    policyPatch: { resuming: false, pause_keys: [], retry_type: proposed.type === "SCHEDULED" ? "reschedule" : null },
  };
};

const enforceCancellingToCancelled: Rule<FlowFacts> = ({ initial, proposed }) => {
  if (initial?.type !== "CANCELLING" || proposed.type === "CANCELLED") return undefined;
  return {
    kind: "reject",
    state: null,
    reason: "Cannot transition flows that are cancelling to a state other than Cancelled.",
  };
};

const bypassCancellingWithoutInfrastructure: Rule<FlowFacts> = ({ initial, proposed }, facts) => {
  if (proposed.type !== "CANCELLING" || initial === null) return undefined;
  const cancelled = runState("CANCELLED", facts.nowUs, { message: proposed.message });
  if (initial.type === "SCHEDULED" && (!facts.hasInfrastructure || initial.name === "Resuming")) {
    return { kind: "reject", state: cancelled, reason: "Scheduled flow run has no infrastructure to terminate." };
  }
  if (initial.type === "PAUSED" && initial.details.pause_reschedule) {
    return { kind: "reject", state: cancelled, reason: "Suspended flow run has no infrastructure to terminate." };
  }
  return undefined;
};

const onlyScheduledRunsBecomeLate: Rule<FlowFacts> = ({ initial, proposed }) => {
  if (initial === null || proposed.type !== "SCHEDULED" || proposed.name !== "Late") return undefined;
  if (initial.type !== "SCHEDULED")
    return { kind: "reject", state: null, reason: "Only scheduled flows can be marked late." };
  if (initial.name === "Late") return { kind: "reject", state: null, reason: "This flow run is already marked late." };
  return undefined;
};

const handlePausing: Rule<FlowFacts> = ({ initial, proposed }, facts) => {
  if (proposed.type !== "PAUSED") return undefined;
  const verb = proposed.name === "Suspended" ? "suspend" : "pause";
  if (initial === null) return { kind: "abort", reason: `Cannot ${verb} flows with no state.` };
  if (initial.type !== "RUNNING")
    return { kind: "reject", state: null, reason: `Cannot ${verb} flows that are not currently running.` };
  const key = proposed.details.pause_key;
  if (key && facts.pauseKeys.includes(key))
    return { kind: "reject", state: null, reason: `This ${verb} has already fired.` };
  if (proposed.details.pause_reschedule && facts.isSubflow)
    return { kind: "abort", reason: `Cannot ${verb} subflows.` };
  if (proposed.details.pause_reschedule && !facts.isDeployed)
    return { kind: "abort", reason: `Cannot ${verb} flows without a deployment.` };
  return key ? { kind: "change", state: proposed, policyPatch: { pause_keys: [...facts.pauseKeys, key] } } : undefined;
};

const handleResuming: Rule<FlowFacts> = ({ initial, proposed }, facts) => {
  if (initial?.type !== "PAUSED") return undefined;
  const allowed =
    proposed.type === "RUNNING" ||
    proposed.type === "SCHEDULED" ||
    proposed.type === "CANCELLING" ||
    isFinalStateType(proposed.type);
  if (!allowed) {
    return {
      kind: "reject",
      state: null,
      reason: `This run cannot transition to the ${proposed.type} state from the ${initial.type} state.`,
    };
  }
  if (initial.details.pause_reschedule && !facts.isDeployed) {
    return {
      kind: "reject",
      state: null,
      reason: `Cannot reschedule a ${proposed.name.toLowerCase()} flow run without a deployment.`,
    };
  }
  if (proposed.type === "CANCELLING") return { kind: "change", state: proposed, policyPatch: { resuming: true } };
  const timeoutUs = initial.details.pause_timeout ? isoToMicros(initial.details.pause_timeout) : undefined;
  if (timeoutUs !== undefined && timeoutUs < facts.nowUs) {
    const message = `The flow was ${proposed.name.toLowerCase()} and never resumed.`;
    return {
      kind: "reject",
      state: runState("FAILED", facts.nowUs, { message }),
      reason: "The flow run pause has timed out and can no longer resume.",
    };
  }
  return { kind: "change", state: proposed, policyPatch: { resuming: true } };
};

const retryFailedFlows: Rule<FlowFacts> = ({ initial, proposed }, facts) => {
  if (initial?.type !== "RUNNING" || proposed.type !== "FAILED") return undefined;
  if (facts.runCount > facts.retries) return { kind: "change", state: proposed, policyPatch: { retry_type: null } };
  const state = runState("SCHEDULED", facts.nowUs, {
    name: "AwaitingRetry",
    message: proposed.message,
    data: proposed.data,
    details: { scheduled_time: microsToIso(facts.nowUs + Math.round(facts.retryDelaySeconds * 1e6)) },
  });
  return {
    kind: "reject",
    state,
    reason: "Retrying",
    policyPatch: { resuming: false, pause_keys: [], retry_type: "in_process" },
  };
};

/** The rules of flow runs, in order. */
const FLOW_RULES: readonly Rule<FlowFacts>[] = [
  preventDuplicateTransitions,
  handleTerminalStates,
  enforceCancellingToCancelled,
  bypassCancellingWithoutInfrastructure,
  preventPendingTransitions,
  onlyScheduledRunsBecomeLate,
  handlePausing,
  handleResuming,
  copyScheduledTime,
  waitForScheduledTime,
  retryFailedFlows,
];

const FORCED_FLOW_RULES: readonly Rule<FlowFacts>[] = [bypassCancellingWithoutInfrastructure];

/**
 * Decides a proposed transition of a flow run. Pure, never throws.
 *
 * @param force true leaves only the rules that even a forced transition obeys
 */
export function decideFlowTransition(transition: Transition, facts: FlowFacts, force = false): Decision {
  return decide(force ? FORCED_FLOW_RULES : FLOW_RULES, transition, facts);
}
