import type { DeploymentFilter, WorkPoolFilter, WorkQueueFilter } from "../../wire/contract/shapes.ts";
import { combine, hasTags, isAny, isLike, isNotAny, member, type Condition } from "./condition.ts";
import { tagsOf } from "./filter-runs.ts";

/** Conditions on deployments, whose table is `d`. */
export function deploymentCondition(filter: DeploymentFilter): Condition {
  const either = isLike("x.name", filter.flow_or_deployment_name?.like_);
  return combine(
    [
      member(filter.id, isAny("d.id", filter.id?.any_), isNotAny("d.id", filter.id?.not_any_)),
      member(filter.name, isAny("d.name", filter.name?.any_), isLike("d.name", filter.name?.like_)),
      member(
        filter.flow_or_deployment_name,
        either && {
          sql: `(${either.sql.replace("x.name", "d.name")} OR d.flow_id IN (SELECT x.id FROM flow x WHERE ${either.sql}))`,
          parameters: [...either.parameters, ...either.parameters],
        },
      ),
      member(
        filter.paused,
        typeof filter.paused?.eq_ === "boolean"
          ? { sql: "d.paused = ?", parameters: [filter.paused.eq_ ? 1 : 0] }
          : undefined,
      ),
      hasTags("d.tags", tagsOf(filter.tags)),
      member(filter.work_queue_name, isAny("d.work_queue_name", filter.work_queue_name?.any_)),
    ],
    filter.operator,
  );
}

/** Conditions on work pools, whose table is `p`. */
export function workPoolCondition(filter: WorkPoolFilter): Condition {
  return combine(
    [
      member(filter.id, isAny("p.id", filter.id?.any_)),
      member(filter.name, isAny("p.name", filter.name?.any_)),
      member(filter.type, isAny("p.type", filter.type?.any_)),
    ],
    filter.operator,
  );
}

/** Conditions on work queues, whose table is `q`. */
export function workQueueCondition(filter: WorkQueueFilter): Condition {
  const starts = filter.name?.startswith_;
  return combine(
    [
      member(filter.id, isAny("q.id", filter.id?.any_)),
      member(
        filter.name,
        isAny("q.name", filter.name?.any_),
        starts
          ? {
              sql: "EXISTS (SELECT 1 FROM json_each(?) s WHERE lower(substr(q.name, 1, length(s.value))) = lower(s.value))",
              parameters: [JSON.stringify(starts)],
            }
          : undefined,
      ),
    ],
    filter.operator,
  );
}
