import type { DeploymentLimit, FlowFacts } from "../../rules/policies/flow-facts.ts";
import type { FlowPolicy } from "../../rules/policies/flow-policy.ts";
import type { RunState } from "../../rules/run-state.ts";
import type { ServerSettings } from "../../wire/server-settings.ts";
import { leaseById } from "../concurrency/concurrency-leases.ts";
import { hasFreeSlots, limitById } from "../concurrency/concurrency-limits.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";

/** `empirical_policy` of a flow run as stored: Prefect's FlowRunPolicy. */
export interface StoredFlowPolicy {
  readonly retries?: number | null;
  readonly retry_delay?: number | null;
  readonly max_retries?: number;
  readonly retry_delay_seconds?: number;
  readonly pause_keys?: readonly string[] | null;
  readonly resuming?: boolean | null;
  readonly retry_type?: "in_process" | "reschedule" | null;
}

/** Reads the policy of a flow run. */
export function flowPolicyOf(row: FlowRunRow): StoredFlowPolicy {
  // Written from a validated body or by the engine, both in Prefect's shape.
  return JSON.parse(row.empirical_policy) as StoredFlowPolicy;
}

/** Settings that rules of flow runs ask for. */
export type FlowSettings = Pick<ServerSettings, "deploymentSlotWaitSeconds" | "initialDeploymentLeaseSeconds">;

/** A transition that is to be judged. */
export interface JudgedTransition {
  readonly initial: RunState | null;
  readonly proposed: RunState;
  readonly nowUs: number;
  /** Of the Prefect client that proposes; default: any other client. */
  readonly clientVersion?: string | null;
  /** Which rules are asked; default `core`. */
  readonly policy?: FlowPolicy;
  /** True when the run's owner tells what has happened, rather than somebody asking for it. Default false. */
  readonly isReported?: boolean;
  /** False when the run's owner retries it by itself; default true. */
  readonly isRetried?: boolean;
}

/** What the rules must know of a stored flow run; what a transition cannot need is not looked up. Runs inside a write. */
export function flowFactsOf(
  core: { readonly store: Store; readonly settings: FlowSettings },
  row: FlowRunRow,
  { initial, proposed, nowUs, clientVersion = null, isRetried = true }: JudgedTransition,
): FlowFacts {
  const policy = flowPolicyOf(row);
  const leaseId = initial?.details.deployment_concurrency_lease_id;
  return {
    nowUs,
    runCount: row.run_count,
    retries: isRetried ? policy.retries || policy.max_retries || null : null,
    retryDelaySeconds: policy.retry_delay || policy.retry_delay_seconds || 0,
    isDeployed: row.deployment_id !== null,
    isSubflow: row.parent_task_run_id !== null,
    hasInfrastructure: row.infrastructure_pid !== null || row.process_id !== null,
    pauseKeys: policy.pause_keys ?? [],
    newPauseKey: proposed.type === "PAUSED" ? newId(nowUs) : "",
    clientVersion,
    deploymentLimit: row.deployment_id === null ? null : limitOf(core, row.deployment_id, nowUs),
    holdsLease: leaseId ? leaseById(core.store, leaseId) !== undefined : false,
    newLeaseId: row.deployment_id === null ? "" : newId(nowUs),
    slotWaitSeconds: core.settings.deploymentSlotWaitSeconds,
  };
}

function limitOf(
  { store, settings }: { readonly store: Store; readonly settings: FlowSettings },
  deploymentId: string,
  nowUs: number,
): DeploymentLimit | "gone" | null {
  const deployment = store
    .statement("SELECT concurrency_limit_id, concurrency_options FROM deployment WHERE id = ?")
    .get(deploymentId);
  if (!deployment) return "gone";
  const { concurrency_limit_id: limitId, concurrency_options: options } = deployment;
  const limit = typeof limitId === "string" ? limitById(store, limitId) : undefined;
  if (!limit) return null;
  // Written from a validated body.
  const { collision_strategy: whenFull, grace_period_seconds: grace } = (
    typeof options === "string" ? (JSON.parse(options) ?? {}) : {}
  ) as { collision_strategy?: DeploymentLimit["whenFull"]; grace_period_seconds?: number | null };
  return {
    id: limit.id,
    maxSlots: limit.max_slots,
    hasFreeSlot: hasFreeSlots(limit, 1, nowUs),
    whenFull: whenFull ?? "ENQUEUE",
    leaseSeconds: grace ?? settings.initialDeploymentLeaseSeconds,
  };
}
