/**
 * Joins the filters of a request: each narrows what is listed by what it belongs to, or by what belongs to it.
 *
 * Tables have fixed letters: `f` flows, `r` flow runs, `t` task runs, `d` deployments, `p` work pools, `q` work queues.
 */
import type {
  DeploymentFilter,
  FlowFilter,
  FlowRunFilter,
  TaskRunFilter,
  WorkPoolFilter,
  WorkQueueFilter,
} from "../../wire/contract/shapes.ts";
import { combine, type Condition } from "./condition.ts";
import { deploymentCondition, workPoolCondition, workQueueCondition } from "./filter-deployments.ts";
import { flowCondition, flowRunCondition, taskRunCondition } from "./filter-runs.ts";

/** Filters as they come in a body. */
export interface JoinedFilters {
  readonly flows?: FlowFilter | null | undefined;
  readonly flow_runs?: FlowRunFilter | null | undefined;
  readonly task_runs?: TaskRunFilter | null | undefined;
  readonly deployments?: DeploymentFilter | null | undefined;
  readonly work_pools?: WorkPoolFilter | null | undefined;
  readonly work_pool_queues?: WorkQueueFilter | null | undefined;
  /** What some bodies call `work_pool_queues`. */
  readonly work_queues?: WorkQueueFilter | null | undefined;
}

/** Conditions on flows, whose table is `f`. */
export function whereFlows(filters: JoinedFilters): Condition {
  const { flows, flow_runs, task_runs, deployments, work_pools } = filters;
  const runs = flow_runs || task_runs ? whereFlowRuns({ flow_runs, task_runs }) : undefined;
  const deployed = deployments || work_pools ? whereDeployments({ deployments, work_pools }) : undefined;
  return combine([
    flows ? flowCondition(flows) : undefined,
    within("f.id", "SELECT r.flow_id FROM flow_run r", runs),
    within("f.id", "SELECT d.flow_id FROM deployment d", deployed),
  ]);
}

/** Conditions on flow runs, whose table is `r`. */
export function whereFlowRuns(filters: JoinedFilters): Condition {
  const { flows, flow_runs, task_runs, deployments } = filters;
  return combine([
    flow_runs ? flowRunCondition(flow_runs) : undefined,
    within("r.flow_id", "SELECT f.id FROM flow f", flows && flowCondition(flows)),
    within("r.id", "SELECT t.flow_run_id FROM task_run_row t", task_runs && taskRunCondition(task_runs)),
    within("r.deployment_id", "SELECT d.id FROM deployment d", deployments && deploymentCondition(deployments)),
    ofQueues("r.work_queue_id", filters),
  ]);
}

/** Conditions on task runs, whose view is `t`. */
export function whereTaskRuns(filters: JoinedFilters): Condition {
  const { task_runs, ...others } = filters;
  const isNarrowed = Object.values(others).some((filter) => typeof filter === "object" && filter !== null);
  const runs = isNarrowed && namesRuns(others) ? whereFlowRuns(others) : undefined;
  return combine([
    task_runs ? taskRunCondition(task_runs) : undefined,
    within("t.flow_run_no", "SELECT k.no FROM flow_run r JOIN flow_run_key k ON k.id = r.id", runs),
  ]);
}

function namesRuns({
  flows,
  flow_runs,
  deployments,
  work_pools,
  work_pool_queues,
  work_queues,
}: JoinedFilters): boolean {
  return [flows, flow_runs, deployments, work_pools, work_pool_queues, work_queues].some(Boolean);
}

/** Conditions on deployments, whose table is `d`. */
export function whereDeployments(filters: JoinedFilters): Condition {
  const { deployments, flows, flow_runs, task_runs } = filters;
  const runs = flow_runs || task_runs ? whereFlowRuns({ flow_runs, task_runs }) : undefined;
  return combine([
    deployments ? deploymentCondition(deployments) : undefined,
    within("d.flow_id", "SELECT f.id FROM flow f", flows && flowCondition(flows)),
    within("d.id", "SELECT r.deployment_id FROM flow_run r", runs),
    ofQueues("d.work_queue_id", filters),
  ]);
}

/** Conditions on work pools, whose table is `p`. */
export function whereWorkPools({ work_pools }: JoinedFilters): Condition {
  return combine([work_pools ? workPoolCondition(work_pools) : undefined]);
}

/** Conditions on work queues, whose table is `q`. */
export function whereWorkQueues({ work_pools, work_pool_queues, work_queues }: JoinedFilters): Condition {
  const queues = work_pool_queues ?? work_queues;
  return combine([
    queues ? workQueueCondition(queues) : undefined,
    within("q.work_pool_id", "SELECT p.id FROM work_pool p", work_pools && workPoolCondition(work_pools)),
  ]);
}

function ofQueues(column: string, filters: JoinedFilters): Condition | undefined {
  const { work_pools, work_pool_queues, work_queues } = filters;
  const isAsked = Boolean(work_pools) || Boolean(work_pool_queues) || Boolean(work_queues);
  return isAsked ? within(column, "SELECT q.id FROM work_queue q", whereWorkQueues(filters)) : undefined;
}

function within(column: string, query: string, where: Condition | null | undefined): Condition | undefined {
  return where ? { sql: `${column} IN (${query} WHERE ${where.sql})`, parameters: where.parameters } : undefined;
}
