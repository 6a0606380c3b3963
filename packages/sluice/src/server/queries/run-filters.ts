import type { FlowFilter, FlowRunFilter, TaskRunFilter } from "../../wire/contract/shapes.ts";
import { combine, hasTags, isAny, isBetween, isLike, isNotAny, isNull, type Condition } from "./condition.ts";

/** The filters that any of the three nouns may be asked with; the others are joined. */
export interface JoinedFilters {
  readonly flows?: FlowFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly task_runs?: TaskRunFilter | null;
}

/** Tags of a task run's row, as a JSON list. */
const TASK_TAGS = "coalesce(json_extract(t.details, '$.tags'), '[]')";

/** Conditions on flows, whose table is `f`. */
export function whereFlows(filters: JoinedFilters): Condition {
  const own = filters.flows ? flowCondition(filters.flows) : undefined;
  const runs = filters.flow_runs || filters.task_runs ? whereFlowRuns({ ...filters, flows: null }) : undefined;
  const joined = runs && {
    sql: `f.id IN (SELECT r.flow_id FROM flow_run r WHERE ${runs.sql})`,
    parameters: runs.parameters,
  };
  return combine([own, joined]);
}

/** Conditions on flow runs, whose table is `r`. */
export function whereFlowRuns(filters: JoinedFilters): Condition {
  const flows = filters.flows ? flowCondition(filters.flows) : undefined;
  const tasks = filters.task_runs ? taskRunCondition(filters.task_runs) : undefined;
  return combine([
    filters.flow_runs ? flowRunCondition(filters.flow_runs) : undefined,
    flows && { sql: `r.flow_id IN (SELECT f.id FROM flow f WHERE ${flows.sql})`, parameters: flows.parameters },
    tasks && {
      sql: `r.id IN (SELECT t.flow_run_id FROM task_run_row t WHERE ${tasks.sql})`,
      parameters: tasks.parameters,
    },
  ]);
}

/** Conditions on task runs, whose view is `t`. */
export function whereTaskRuns(filters: JoinedFilters): Condition {
  const needsRuns = filters.flows || filters.flow_runs;
  const runs = needsRuns ? whereFlowRuns({ ...filters, task_runs: null }) : undefined;
  const joined = runs && {
    sql: `t.flow_run_no IN (SELECT k.no FROM flow_run r JOIN flow_run_key k ON k.id = r.id WHERE ${runs.sql})`,
    parameters: runs.parameters,
  };
  return combine([filters.task_runs ? taskRunCondition(filters.task_runs) : undefined, joined]);
}

function flowCondition(filter: FlowFilter): Condition {
  return combine(
    [
      isAny("f.id", filter.id?.any_),
      isNotAny("f.id", filter.id?.not_any_),
      isAny("f.name", filter.name?.any_),
      isLike("f.name", filter.name?.like_),
      hasTags("f.tags", filter.tags),
      // No flow has a deployment yet.
      filter.deployment?.is_null_ === false ? { sql: "0", parameters: [] } : undefined,
    ],
    filter.operator,
  );
}

function flowRunCondition(filter: FlowRunFilter): Condition {
  return combine(
    [
      isAny("r.id", filter.id?.any_),
      isNotAny("r.id", filter.id?.not_any_),
      isAny("r.name", filter.name?.any_),
      isLike("r.name", filter.name?.like_),
      hasTags("r.tags", filter.tags),
      filter.deployment_id
        ? combine(
            [
              isAny("r.deployment_id", filter.deployment_id.any_),
              isNull("r.deployment_id", filter.deployment_id.is_null_),
            ],
            filter.deployment_id.operator,
          )
        : undefined,
      // No run has a work queue yet.
      filter.work_queue_name && (filter.work_queue_name.any_ || filter.work_queue_name.is_null_ === false)
        ? { sql: "0", parameters: [] }
        : undefined,
      stateCondition("r", filter.state),
      isAny("r.flow_version", filter.flow_version?.any_),
      timeCondition("coalesce(r.start_time, r.expected_start_time)", "r.start_time", filter.start_time),
      timeCondition("r.end_time", "r.end_time", filter.end_time),
      isBetween("r.expected_start_time", filter.expected_start_time),
      isBetween("r.next_scheduled_start_time", filter.next_scheduled_start_time),
      isAny("r.parent_flow_run_id", filter.parent_flow_run_id?.any_),
      filter.parent_task_run_id
        ? combine(
            [
              isAny("r.parent_task_run_id", filter.parent_task_run_id.any_),
              isNull("r.parent_task_run_id", filter.parent_task_run_id.is_null_),
            ],
            filter.parent_task_run_id.operator,
          )
        : undefined,
      isAny("r.idempotency_key", filter.idempotency_key?.any_),
      isNotAny("r.idempotency_key", filter.idempotency_key?.not_any_),
      // Nobody is recorded as a run's creator yet.
      filter.created_by && (filter.created_by.id_ || filter.created_by.type_ || filter.created_by.is_null_ === false)
        ? { sql: "0", parameters: [] }
        : undefined,
    ],
    filter.operator,
  );
}

function taskRunCondition(filter: TaskRunFilter): Condition {
  return combine(
    [
      isAny("t.id", filter.id?.any_),
      isAny("t.name", filter.name?.any_),
      isLike("t.name", filter.name?.like_),
      hasTags(TASK_TAGS, filter.tags),
      stateCondition("t", filter.state),
      timeCondition("t.start_time", "t.start_time", filter.start_time),
      timeCondition("t.end_time", "t.end_time", filter.end_time),
      isBetween("t.expected_start_time", filter.expected_start_time),
      isNull(
        "t.child_flow_run_id",
        typeof filter.subflow_runs?.exists_ === "boolean" ? !filter.subflow_runs.exists_ : null,
      ),
      filter.flow_run_id
        ? combine(
            [ofFlowRuns(filter.flow_run_id.any_), isNull("t.flow_run_no", filter.flow_run_id.is_null_ || null)],
            filter.flow_run_id.operator,
          )
        : undefined,
    ],
    filter.operator,
  );
}

function ofFlowRuns(ids: readonly string[] | null | undefined): Condition | undefined {
  const condition = isAny("id", ids);
  return (
    condition && {
      sql: `t.flow_run_no IN (SELECT no FROM flow_run_key WHERE ${condition.sql})`,
      parameters: condition.parameters,
    }
  );
}

function stateCondition(
  table: "r" | "t",
  filter: FlowRunFilter["state"] | TaskRunFilter["state"],
): Condition | undefined {
  if (!filter) return undefined;
  const conditions = [isAny(`${table}.state_type`, filter.type?.any_), isAny(`${table}.state_name`, filter.name?.any_)];
  if (filter.type && "not_any_" in filter.type) conditions.push(isNotAny(`${table}.state_type`, filter.type.not_any_));
  if (filter.name && "not_any_" in filter.name) conditions.push(isNotAny(`${table}.state_name`, filter.name.not_any_));
  return combine(conditions, filter.operator);
}

function timeCondition(
  column: string,
  nullColumn: string,
  filter:
    | { readonly before_?: string | null; readonly after_?: string | null; readonly is_null_?: boolean | null }
    | null
    | undefined,
): Condition | undefined {
  return filter ? combine([isBetween(column, filter), isNull(nullColumn, filter.is_null_)]) : undefined;
}
