/**
 * The law of flow runs: which transition is accepted, in Prefect 3's order and with its words where clients read them.
 *
 * Everything here is pure: the clock and the run's settings come as {@link FlowFacts}, and what changes goes out in the {@link Decision}. The events of
 * transitions (Prefect's InstrumentFlowRunStateTransitions) are appended by whoever writes them.
 */
import { isFinalStateType, type StateType } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { hasPersistedResult, runState, type RunState } from "../run-state.ts";
import {
  cancelLateRunsOfFullDeployments,
  keepSlotOfOldClients,
  preserveLease,
  releasesSlots,
  secureSlot,
  validateAtRunning,
} from "./concurrency-rules.ts";
import { decide, type Decision, type Transition } from "./decision.ts";
import type { FlowEffect, FlowFacts, FlowRule } from "./flow-facts.ts";
import { handlePausing, handleResuming } from "./pause-rules.ts";
import { copyScheduledTime, preventPendingTransitions, waitForScheduledTime } from "./shared-rules.ts";

const FINAL: ReadonlySet<StateType> = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);

const preventDuplicateTransitions: FlowRule = {
  name: "PreventDuplicateTransitions",
  judge: ({ initial, proposed }) => {
    const id = proposed.details.transition_id;
    if (!id || initial?.details.transition_id !== id) return undefined;
    return { kind: "reject", state: null, reason: "This run has already made this state transition." };
  },
};

const handleTerminalStates: FlowRule = {
  name: "HandleFlowTerminalStateTransitions",
  from: FINAL,
  judge: (transition, facts) => {
    const { initial, proposed } = transition;
    if (initial === null) return undefined;
    if (proposed.type === "CANCELLING" || proposed.type === "PAUSED" || proposed.type === "CRASHED") {
      return { kind: "abort", reason: `Run is already in terminal state ${initial.type}.` };
    }
    const isFinal = isFinalStateType(proposed.type);
    if (initial.type === "COMPLETED" && hasPersistedResult(initial.data) && !isFinal)
      return { kind: "reject", state: null, reason: "Run is already COMPLETED." };
    if (losesResult(transition)) return { kind: "reject", state: null, reason: LOST_RESULT };
    if (proposed.type === "SCHEDULED" && !facts.isDeployed)
      return { kind: "abort", reason: "Cannot reschedule a run without an associated deployment." };
    if (isFinal) return undefined;
    const retry_type = proposed.type === "SCHEDULED" ? "reschedule" : null;
    const patch = { resuming: false, pause_keys: [], retry_type } as const;
    return { kind: "go-on", effects: [{ kind: "patch-policy", patch, when: "before" }] };
  },
};

const LOST_RESULT = "Cannot overwrite a COMPLETED state that carries persisted result data with one that does not.";

function losesResult({ initial, proposed }: Transition): boolean {
  if (initial?.type !== "COMPLETED" || proposed.type !== "COMPLETED") return false;
  return hasPersistedResult(initial.data) && !hasPersistedResult(proposed.data);
}

const preventResultDataLoss: FlowRule = {
  name: "PreventResultDataLoss",
  from: FINAL,
  to: FINAL,
  judge: (transition) => (losesResult(transition) ? { kind: "reject", state: null, reason: LOST_RESULT } : undefined),
};

const enforceCancellingToCancelled: FlowRule = {
  name: "EnforceCancellingToCancelledTransition",
  from: new Set<StateType>(["CANCELLING"]),
  judge: ({ proposed }) => {
    if (proposed.type === "CANCELLED") return undefined;
    const reason = "Cannot transition flows that are cancelling to a state other than Cancelled.";
    return { kind: "reject", state: null, reason };
  },
};

const bypassCancellingWithoutInfrastructure: FlowRule = {
  name: "BypassCancellingFlowRunsWithNoInfra",
  from: new Set<StateType>(["SCHEDULED", "PAUSED"]),
  to: new Set<StateType>(["CANCELLING"]),
  judge: ({ initial }, facts) => {
    const state = runState("CANCELLED", facts.nowUs);
    if ((initial?.type === "SCHEDULED" && !facts.hasInfrastructure) || initial?.name === "Resuming")
      return { kind: "reject", state, reason: "Scheduled flow run has no infrastructure to terminate." };
    if (initial?.type === "PAUSED" && initial.details.pause_reschedule === true)
      return { kind: "reject", state, reason: "Suspended flow run has no infrastructure to terminate." };
    return undefined;
  },
};

const onlyScheduledRunsBecomeLate: FlowRule = {
  name: "EnsureOnlyScheduledFlowsMarkedLate",
  to: new Set<StateType>(["SCHEDULED"]),
  judge: ({ initial, proposed }) => {
    if (initial === null || proposed.name !== "Late") return undefined;
    if (initial.type !== "SCHEDULED")
      return { kind: "reject", state: null, reason: "Only scheduled flows can be marked late." };
    if (initial.name !== "Late") return undefined;
    return { kind: "reject", state: null, reason: "This flow run is already marked late." };
  },
};

const retryFailedFlows: FlowRule = {
  name: "RetryFailedFlows",
  from: new Set<StateType>(["RUNNING"]),
  to: new Set<StateType>(["FAILED"]),
  judge: ({ initial, proposed }, facts) => {
    if (facts.retries === null || facts.runCount > facts.retries)
      return { kind: "go-on", effects: [{ kind: "patch-policy", patch: { retry_type: null }, when: "before" }] };
    const again = microsToIso(facts.nowUs + Math.round(facts.retryDelaySeconds * 1e6));
    const held = initial?.details.deployment_concurrency_lease_id;
    const state = runState("SCHEDULED", facts.nowUs, {
      name: "AwaitingRetry",
      message: proposed.message,
      data: proposed.data,
      details: { scheduled_time: again, ...(held ? { deployment_concurrency_lease_id: held } : {}) },
    });
    const patch = { resuming: false, pause_keys: [], retry_type: "in_process" } as const;
    return { kind: "reject", state, reason: "Retrying", effects: [{ kind: "patch-policy", patch, when: "before" }] };
  },
};

/** Which list of rules is asked: that of proposals, the few that even a forced transition obeys, or that of the service which marks runs Late. */
export type FlowPolicy = "core" | "minimal" | "late";

const POLICIES: Readonly<Record<FlowPolicy, readonly FlowRule[]>> = {
  core: [
    preserveLease,
    preventDuplicateTransitions,
    handleTerminalStates,
    enforceCancellingToCancelled,
    bypassCancellingWithoutInfrastructure,
    preventPendingTransitions,
    validateAtRunning,
    secureSlot,
    keepSlotOfOldClients,
    onlyScheduledRunsBecomeLate,
    handlePausing,
    handleResuming,
    copyScheduledTime,
    waitForScheduledTime,
    retryFailedFlows,
  ],
  minimal: [preventResultDataLoss, bypassCancellingWithoutInfrastructure],
  late: [onlyScheduledRunsBecomeLate, cancelLateRunsOfFullDeployments],
};

/** Decides a proposed transition of a flow run. Pure, never throws. @param policy default: all rules */
export function decideFlowTransition(
  transition: Transition,
  facts: FlowFacts,
  policy: FlowPolicy = "core",
): Decision<FlowEffect> {
  const decision = decide(POLICIES[policy], transition, facts);
  if ((decision.kind !== "accept" && decision.kind !== "reject") || decision.state === null) return decision;
  const written = { initial: transition.initial, proposed: decision.state };
  if (policy === "late" || !facts.isDeployed || !releasesSlots(written, decision.kind === "reject")) return decision;
  return { ...decision, effects: [...decision.effects, { kind: "release-slots" }] };
}

/**
 * What a written state does to the mark of a run that goes on after a pause: the run that enters RUNNING with it does not count anew, and the mark is
 * gone in RUNNING and in every end. Prefect's IncrementFlowRunCount and RemoveResumingIndicator.
 */
export function settleResuming(
  isResuming: boolean,
  state: RunState,
): { readonly counts: boolean; readonly isResuming: boolean } {
  const isOver = state.type === "RUNNING" || isFinalStateType(state.type);
  return { counts: !(isResuming && state.type === "RUNNING"), isResuming: isResuming && !isOver };
}
