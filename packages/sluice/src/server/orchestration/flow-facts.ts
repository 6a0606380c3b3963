import type { FlowFacts } from "../../rules/flow-policy.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";

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

/** What the rules must know of a stored flow run. */
export function flowFactsOf(row: FlowRunRow, nowUs: number): FlowFacts {
  const policy = flowPolicyOf(row);
  return {
    nowUs,
    runCount: row.run_count,
    retries: policy.retries ?? policy.max_retries ?? 0,
    retryDelaySeconds: policy.retry_delay ?? policy.retry_delay_seconds ?? 0,
    isDeployed: row.deployment_id !== null,
    isSubflow: row.parent_task_run_id !== null,
    hasInfrastructure: row.infrastructure_pid !== null || row.process_id !== null,
    pauseKeys: policy.pause_keys ?? [],
  };
}
