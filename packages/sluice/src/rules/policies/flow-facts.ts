import type { RunState } from "../run-state.ts";
import type { Rule } from "./decision.ts";

/** The limit of a deployment: how many of its runs may be between PENDING and their end at a time. */
export interface DeploymentLimit {
  readonly id: string;
  readonly maxSlots: number;
  /** Whether one more run may take a slot now. */
  readonly hasFreeSlot: boolean;
  /** What becomes of a run that finds none. */
  readonly whenFull: "ENQUEUE" | "CANCEL_NEW";
  /** How long a slot is kept for a run before it must be renewed. */
  readonly leaseSeconds: number;
}

/** What the rules must know of the flow run and of now. */
export interface FlowFacts {
  readonly nowUs: number;
  /** How often the run has entered RUNNING. */
  readonly runCount: number;
  /** Null for a run that is never retried. */
  readonly retries: number | null;
  readonly retryDelaySeconds: number;
  /** True for a run of a deployment: only such a run can be scheduled again. */
  readonly isDeployed: boolean;
  readonly isSubflow: boolean;
  /** True while a process or other infrastructure is known that could hear a cancel. */
  readonly hasInfrastructure: boolean;
  readonly pauseKeys: readonly string[];
  /** Stands for the key of a pause that has none. */
  readonly newPauseKey: string;
  /** Of the Prefect client that proposes; null for any other. */
  readonly clientVersion: string | null;
  /** The limit of the run's deployment; null when it has none, "gone" when there is no such deployment any more. */
  readonly deploymentLimit: DeploymentLimit | "gone" | null;
  /** Whether the lease that the run's state names is there. */
  readonly holdsLease: boolean;
  /** Id of a lease that is taken by this transition. */
  readonly newLeaseId: string;
  readonly slotWaitSeconds: number;
}

/** Fields of a flow run's `empirical_policy` that change with a transition. */
export interface PolicyPatch {
  readonly resuming?: boolean;
  readonly pause_keys?: readonly string[];
  readonly retry_type?: "in_process" | "reschedule" | null;
}

/** What changes beside a flow run's state. */
export type FlowEffect =
  /** Before the state is written, so that it is seen by what counts runs; `after` it otherwise. */
  | { readonly kind: "patch-policy"; readonly patch: PolicyPatch; readonly when: "before" | "after" }
  /** Takes one slot for the run; the lease ends at `leaseSeconds` from now unless it is renewed. */
  | { readonly kind: "take-slot"; readonly limitId: string; readonly leaseId: string; readonly leaseSeconds: number }
  | { readonly kind: "renew-lease"; readonly leaseId: string; readonly leaseSeconds: number }
  /** The client will not renew: the slot is the run's until it ends. */
  | { readonly kind: "keep-slot" }
  | { readonly kind: "release-slots" };

/** A rule of flow runs. */
export type FlowRule = Rule<FlowFacts, FlowEffect>;

/** The states in which a run of a limited deployment has a slot: also while its process waits to try again. */
export function occupiesSlot(state: RunState | null): boolean {
  if (state === null) return false;
  const isRetried = state.type === "SCHEDULED" && state.name === "AwaitingRetry";
  if (isRetried) return Boolean(state.details.deployment_concurrency_lease_id);
  return state.type === "PENDING" || state.type === "RUNNING" || state.type === "CANCELLING";
}
