import type { FlowFilter, FlowRunFilter, TaskRunFilter } from "../../wire/contract/shapes.ts";
import {
  combine,
  hasTags,
  isAny,
  isBetween,
  isLike,
  isNotAny,
  isNull,
  member,
  type Condition,
  type TagFilter,
} from "./condition.ts";

/** Tags of a task run, which stand in its details. */
const TASK_TAGS = "coalesce(t.details ->> '$.tags', '[]')";

/** Conditions on flows, whose table is `f`. */
export function flowCondition(filter: FlowFilter): Condition {
  const hasDeployment = filter.deployment?.is_null_;
  return combine(
    [
      member(filter.id, isAny("f.id", filter.id?.any_), isNotAny("f.id", filter.id?.not_any_)),
      member(filter.name, isAny("f.name", filter.name?.any_), isLike("f.name", filter.name?.like_)),
      hasTags("f.tags", tagsOf(filter.tags)),
      member(
        filter.deployment,
        typeof hasDeployment === "boolean"
          ? { sql: `f.id ${hasDeployment ? "NOT " : ""}IN (SELECT flow_id FROM deployment)`, parameters: [] }
          : undefined,
      ),
    ],
    filter.operator,
  );
}

/** Conditions on flow runs, whose table is `r`. */
export function flowRunCondition(filter: FlowRunFilter): Condition {
  return combine(
    [...identityConditions(filter), ...originConditions(filter), ...timeConditions(filter)],
    filter.operator,
  );
}

function identityConditions(filter: FlowRunFilter): (Condition | undefined)[] {
  return [
    member(filter.id, isAny("r.id", filter.id?.any_), isNotAny("r.id", filter.id?.not_any_)),
    member(filter.name, isAny("r.name", filter.name?.any_), isLike("r.name", filter.name?.like_)),
    hasTags("r.tags", tagsOf(filter.tags)),
    stateCondition("r", filter.state),
    member(filter.flow_version, isAny("r.flow_version", filter.flow_version?.any_)),
    member(
      filter.idempotency_key,
      isAny("r.idempotency_key", filter.idempotency_key?.any_),
      isNotAny("r.idempotency_key", filter.idempotency_key?.not_any_),
    ),
  ];
}

function originConditions(filter: FlowRunFilter): (Condition | undefined)[] {
  const { deployment_id, work_queue_name, parent_flow_run_id, parent_task_run_id, created_by } = filter;
  const anyOrNull = (column: string, one: AnyOrNull): Condition | undefined =>
    one ? combine([isAny(column, one.any_), isNull(column, one.is_null_)], one.operator) : undefined;
  return [
    anyOrNull("r.deployment_id", deployment_id),
    anyOrNull("r.work_queue_name", work_queue_name),
    member(parent_flow_run_id, isAny("r.parent_flow_run_id", parent_flow_run_id?.any_)),
    anyOrNull("r.parent_task_run_id", parent_task_run_id),
    created_by
      ? combine(
          [
            isAny("r.created_by ->> '$.id'", created_by.id_),
            isAny("r.created_by ->> '$.type'", created_by.type_),
            isNull("r.created_by", created_by.is_null_),
          ],
          created_by.operator,
        )
      : undefined,
  ];
}

type AnyOrNull =
  | {
      readonly any_?: readonly string[] | null;
      readonly is_null_?: boolean | null;
      readonly operator?: "and_" | "or_";
    }
  | null
  | undefined;

function timeConditions(filter: FlowRunFilter): (Condition | undefined)[] {
  return [
    timeCondition("coalesce(r.start_time, r.expected_start_time)", "r.start_time", filter.start_time),
    timeCondition("r.end_time", "r.end_time", filter.end_time),
    isBetween("r.expected_start_time", filter.expected_start_time),
    isBetween("r.next_scheduled_start_time", filter.next_scheduled_start_time),
  ];
}

/** Conditions on task runs, whose view is `t`. */
export function taskRunCondition(filter: TaskRunFilter): Condition {
  const isSubflow = filter.subflow_runs?.exists_;
  return combine(
    [
      member(filter.id, isAny("t.id", filter.id?.any_)),
      member(filter.name, isAny("t.name", filter.name?.any_), isLike("t.name", filter.name?.like_)),
      hasTags(TASK_TAGS, tagsOf(filter.tags)),
      stateCondition("t", filter.state),
      timeCondition("t.start_time", "t.start_time", filter.start_time),
      timeCondition("t.end_time", "t.end_time", filter.end_time),
      isBetween("t.expected_start_time", filter.expected_start_time),
      member(filter.subflow_runs, isNull("t.child_flow_run_id", typeof isSubflow === "boolean" ? !isSubflow : null)),
      ofFlowRuns(filter.flow_run_id),
    ],
    filter.operator,
  );
}

/** Left to itself the filter takes only task runs that belong to a flow run, as in the contract. */
function ofFlowRuns(filter: TaskRunFilter["flow_run_id"]): Condition | undefined {
  if (!filter) return undefined;
  const { any_: ids, is_null_: isNone = false } = filter;
  if (isNone === true) return isNull("t.flow_run_no", true);
  const condition = isAny("id", ids);
  if (!condition) return isNone === false ? isNull("t.flow_run_no", false) : combine([]);
  return {
    sql: `t.flow_run_no IN (SELECT no FROM flow_run_key WHERE ${condition.sql})`,
    parameters: condition.parameters,
  };
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

interface TimeFilter {
  readonly before_?: string | null;
  readonly after_?: string | null;
  readonly is_null_?: boolean | null;
}

function timeCondition(
  column: string,
  nullColumn: string,
  filter: TimeFilter | null | undefined,
): Condition | undefined {
  return filter ? combine([isBetween(column, filter), isNull(nullColumn, filter.is_null_)]) : undefined;
}

/** An empty list of tags to have all of asks for nothing. */
export function tagsOf(filter: TagFilter | null | undefined): TagFilter | null | undefined {
  if (!filter?.all_ || filter.all_.length > 0) return filter;
  const { all_: _, ...rest } = filter;
  return rest;
}
