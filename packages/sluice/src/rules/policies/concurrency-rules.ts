/**
 * The limit of a deployment: a run takes a slot when it becomes PENDING, so that no infrastructure is made for a run that has to wait, and holds it by a
 * lease until it leaves PENDING, RUNNING and CANCELLING.
 */
import type { StateType } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { runState } from "../run-state.ts";
import { renewsLeases, takesOwnSlots } from "./client-version.ts";
import { withDetails, type RuleOutcome, type Transition } from "./decision.ts";
import { occupiesSlot, type DeploymentLimit, type FlowEffect, type FlowFacts, type FlowRule } from "./flow-facts.ts";

const FULL = "Deployment concurrency limit reached.";

/** Carries the lease forward: workers propose states without it. */
export const preserveLease: FlowRule = {
  name: "PreserveDeploymentConcurrencyLeaseId",
  judge: ({ initial, proposed }) => {
    const held = initial?.details.deployment_concurrency_lease_id;
    if (!held || proposed.details.deployment_concurrency_lease_id) return undefined;
    return { kind: "go-on", state: withDetails(proposed, { deployment_concurrency_lease_id: held }) };
  },
};

/** PENDING → RUNNING renews the lease. A run that lost it takes another slot, or is cancelled when there is none. */
export const validateAtRunning: FlowRule = {
  name: "ValidateDeploymentConcurrencyAtRunning",
  from: new Set<StateType>(["PENDING"]),
  to: new Set<StateType>(["RUNNING"]),
  judge: ({ initial, proposed }, facts) => {
    const leaseId = initial?.details.deployment_concurrency_lease_id ?? null;
    const state = withDetails(proposed, { deployment_concurrency_lease_id: leaseId });
    const { deploymentLimit: limit } = facts;
    if (!leaseId || !renewsLeases(facts.clientVersion) || limit === null || limit === "gone")
      return { kind: "go-on", state };
    if (facts.holdsLease) {
      const renewal = { kind: "renew-lease", leaseId, leaseSeconds: limit.leaseSeconds } as const;
      return { kind: "go-on", state, effects: [renewal] };
    }
    if (limit.hasFreeSlot) return takeSlot(state, limit, facts);
    const message = "Deployment concurrency slot lost during provisioning - no slots available to continue execution";
    return {
      kind: "reject",
      state: runState("CANCELLED", facts.nowUs, { message }),
      reason: "Deployment concurrency limit reached after lease expiry.",
    };
  },
};

/** → PENDING takes a slot; without a free one the run waits its turn or is cancelled, as the deployment says. */
export const secureSlot: FlowRule = {
  name: "SecureFlowConcurrencySlots",
  from: new Set<StateType | null>([null, "SCHEDULED", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED"]),
  to: new Set<StateType>(["PENDING"]),
  judge: ({ initial, proposed }, facts) => {
    const { deploymentLimit: limit, nowUs } = facts;
    if (takesOwnSlots(facts.clientVersion) || limit === null) return undefined;
    if (limit === "gone") return { kind: "abort", reason: "Deployment not found." };
    if (limit.maxSlots === 0) {
      const reason = "The deployment concurrency limit is 0. The flow will deadlock if submitted again.";
      return { kind: "abort", reason };
    }
    const held = initial?.details.deployment_concurrency_lease_id;
    if (held && facts.holdsLease)
      return { kind: "go-on", effects: [{ kind: "renew-lease", leaseId: held, leaseSeconds: limit.leaseSeconds }] };
    if (limit.hasFreeSlot) return takeSlot(proposed, limit, facts);
    if (limit.whenFull === "CANCEL_NEW")
      return { kind: "reject", state: runState("CANCELLED", nowUs, { message: FULL }), reason: FULL };
    const again = microsToIso(nowUs + Math.round(facts.slotWaitSeconds * 1e6));
    const waiting = { name: "AwaitingConcurrencySlot", details: { scheduled_time: again } };
    return { kind: "reject", state: runState("SCHEDULED", nowUs, waiting), reason: FULL };
  },
};

/** A client that does not renew keeps its slot without a term. */
export const keepSlotOfOldClients: FlowRule = {
  name: "RemoveDeploymentConcurrencyLeaseForOldClientVersions",
  from: new Set<StateType>(["PENDING"]),
  to: new Set<StateType>(["RUNNING", "CANCELLING"]),
  judge: ({ initial }, { clientVersion }) =>
    initial?.details.deployment_concurrency_lease_id && !renewsLeases(clientVersion)
      ? { kind: "go-on", effects: [{ kind: "keep-slot" }] }
      : undefined,
};

/** A run that would become Late while its deployment is full and wants no queue is cancelled. */
export const cancelLateRunsOfFullDeployments: FlowRule = {
  name: "EnforceDeploymentConcurrencyOnLate",
  from: new Set<StateType>(["SCHEDULED"]),
  to: new Set<StateType>(["SCHEDULED"]),
  judge: ({ proposed }, { deploymentLimit: limit, nowUs }) => {
    if (proposed.name !== "Late" || limit === null || limit === "gone") return undefined;
    if (limit.whenFull !== "CANCEL_NEW" || limit.hasFreeSlot) return undefined;
    return {
      kind: "reject",
      state: runState("CANCELLED", nowUs, { message: FULL }),
      reason: "Deployment concurrency limit is full and uses the CANCEL_NEW strategy.",
    };
  },
};

/**
 * ReleaseFlowConcurrencySlots: the run that leaves the states with a slot gives it back, whichever state is written, refused ones included.
 *
 * A run that is retried in its process keeps it: the process goes on renewing the lease.
 */
export function releasesSlots({ initial, proposed }: Transition, isRefused: boolean): boolean {
  if (!occupiesSlot(initial)) return false;
  const isScheduled = proposed.type === "SCHEDULED";
  return isScheduled ? !(isRefused && proposed.name === "AwaitingRetry") : !occupiesSlot(proposed);
}

function takeSlot(state: Transition["proposed"], limit: DeploymentLimit, facts: FlowFacts): RuleOutcome<FlowEffect> {
  const { newLeaseId: leaseId } = facts;
  return {
    kind: "go-on",
    state: withDetails(state, { deployment_concurrency_lease_id: leaseId }),
    effects: [{ kind: "take-slot", limitId: limit.id, leaseId, leaseSeconds: limit.leaseSeconds }],
  };
}
