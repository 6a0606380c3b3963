import { Type, type Static, type TSchema } from "typebox";
import { closed, Instant, MAX_PAGE, maybe, StateTypeName, Uuid } from "./fields.ts";

const Operator = Type.Optional(Type.Enum(["and_", "or_"]));
const operator = { operator: Operator };
const any = <S extends TSchema>(item: S) => ({ any_: maybe(Type.Array(item)) });
const notAny = <S extends TSchema>(item: S) => ({ not_any_: maybe(Type.Array(item)) });
const like = { like_: maybe(Type.String()) };
const isNull = { is_null_: maybe(Type.Boolean()) };
const between = { before_: maybe(Instant), after_: maybe(Instant) };
const allTags = { all_: maybe(Type.Array(Type.String())) };

/** A filter on something that this server has none of: only the empty one is taken. */
const NotServed = maybe(Type.Object({}, { additionalProperties: false }));

export const FlowFilter = closed({
  ...operator,
  id: maybe(closed({ ...any(Uuid), ...notAny(Uuid) })),
  deployment: maybe(closed({ ...operator, ...isNull })),
  name: maybe(closed({ ...any(Type.String()), ...like })),
  tags: maybe(closed({ ...operator, ...allTags, ...isNull })),
});
export type FlowFilter = Static<typeof FlowFilter>;

export const FlowRunFilter = closed({
  ...operator,
  id: maybe(closed({ ...any(Uuid), ...notAny(Uuid) })),
  name: maybe(closed({ ...any(Type.String()), ...like })),
  tags: maybe(closed({ ...operator, ...allTags, ...any(Type.String()), ...isNull })),
  deployment_id: maybe(closed({ ...operator, ...any(Uuid), ...isNull })),
  work_queue_name: maybe(closed({ ...operator, ...any(Type.String()), ...isNull })),
  state: maybe(
    closed({
      ...operator,
      type: maybe(closed({ ...any(StateTypeName), ...notAny(StateTypeName) })),
      name: maybe(closed({ ...any(Type.String()), ...notAny(Type.String()) })),
    }),
  ),
  flow_version: maybe(closed(any(Type.String()))),
  start_time: maybe(closed({ ...between, ...isNull })),
  end_time: maybe(closed({ ...between, ...isNull })),
  expected_start_time: maybe(closed(between)),
  next_scheduled_start_time: maybe(closed(between)),
  parent_flow_run_id: maybe(closed({ ...operator, ...any(Uuid) })),
  parent_task_run_id: maybe(closed({ ...operator, ...any(Uuid), ...isNull })),
  idempotency_key: maybe(closed({ ...any(Type.String()), ...notAny(Type.String()) })),
  created_by: maybe(
    closed({ ...operator, id_: maybe(Type.Array(Uuid)), type_: maybe(Type.Array(Type.String())), ...isNull }),
  ),
});
export type FlowRunFilter = Static<typeof FlowRunFilter>;

export const TaskRunFilter = closed({
  ...operator,
  id: maybe(closed(any(Uuid))),
  name: maybe(closed({ ...any(Type.String()), ...like })),
  tags: maybe(closed({ ...operator, ...allTags, ...isNull })),
  state: maybe(
    closed({ ...operator, type: maybe(closed(any(StateTypeName))), name: maybe(closed(any(Type.String()))) }),
  ),
  start_time: maybe(closed({ ...between, ...isNull })),
  expected_start_time: maybe(closed(between)),
  end_time: maybe(closed({ ...between, ...isNull })),
  subflow_runs: maybe(closed({ exists_: maybe(Type.Boolean()) })),
  flow_run_id: maybe(closed({ ...operator, ...any(Uuid), ...isNull })),
});
export type TaskRunFilter = Static<typeof TaskRunFilter>;

export const LogFilter = closed({
  ...operator,
  level: maybe(closed({ ge_: maybe(Type.Integer()), le_: maybe(Type.Integer()) })),
  timestamp: maybe(closed(between)),
  flow_run_id: maybe(closed(any(Uuid))),
  task_run_id: maybe(closed({ ...any(Uuid), ...isNull })),
  text: maybe(closed({ query: Type.String({ maxLength: 200 }) })),
});
export type LogFilter = Static<typeof LogFilter>;

const key = maybe(closed({ ...any(Type.String()), ...like, exists_: maybe(Type.Boolean()) }));
const ofRuns = {
  flow_run_id: maybe(closed(any(Uuid))),
  task_run_id: maybe(closed(any(Uuid))),
  type: maybe(closed({ ...any(Type.String()), ...notAny(Type.String()) })),
};
export const ArtifactFilter = closed({ ...operator, id: maybe(closed(any(Uuid))), key, ...ofRuns });
export type ArtifactFilter = Static<typeof ArtifactFilter>;
export const ArtifactCollectionFilter = closed({ ...operator, latest_id: maybe(closed(any(Uuid))), key, ...ofRuns });
export type ArtifactCollectionFilter = Static<typeof ArtifactCollectionFilter>;

const page = {
  limit: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_PAGE })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
};
const joined = {
  flows: maybe(FlowFilter),
  flow_runs: maybe(FlowRunFilter),
  task_runs: maybe(TaskRunFilter),
  deployments: NotServed,
};
const pools = { work_pools: NotServed, work_pool_queues: NotServed };
const sort = (names: string[]) => ({ sort: Type.Optional(Type.Enum(names)) });

export const FilterFlows = Type.Object({
  ...joined,
  work_pools: NotServed,
  ...page,
  ...sort(["CREATED_DESC", "UPDATED_DESC", "NAME_ASC", "NAME_DESC"]),
});
export type FilterFlows = Static<typeof FilterFlows>;
export const CountFlows = Type.Object({ ...joined, work_pools: NotServed });
export type CountFlows = Static<typeof CountFlows>;
export const FilterFlowRuns = Type.Object({
  ...joined,
  ...pools,
  ...page,
  ...sort([
    "ID_DESC",
    "START_TIME_ASC",
    "START_TIME_DESC",
    "EXPECTED_START_TIME_ASC",
    "EXPECTED_START_TIME_DESC",
    "NAME_ASC",
    "NAME_DESC",
    "NEXT_SCHEDULED_START_TIME_ASC",
    "END_TIME_DESC",
  ]),
});
export type FilterFlowRuns = Static<typeof FilterFlowRuns>;
export const CountFlowRuns = Type.Object({ ...joined, ...pools });
export type CountFlowRuns = Static<typeof CountFlowRuns>;
export const FilterTaskRuns = Type.Object({
  ...joined,
  ...page,
  ...sort([
    "ID_DESC",
    "EXPECTED_START_TIME_ASC",
    "EXPECTED_START_TIME_DESC",
    "NAME_ASC",
    "NAME_DESC",
    "NEXT_SCHEDULED_START_TIME_ASC",
    "END_TIME_DESC",
  ]),
});
export type FilterTaskRuns = Static<typeof FilterTaskRuns>;
export const CountTaskRuns = Type.Object(joined);
export type CountTaskRuns = Static<typeof CountTaskRuns>;
export const FilterLogs = Type.Object({
  logs: maybe(LogFilter),
  ...page,
  ...sort(["TIMESTAMP_ASC", "TIMESTAMP_DESC"]),
});
export type FilterLogs = Static<typeof FilterLogs>;
const artifactSort = sort(["CREATED_DESC", "UPDATED_DESC", "ID_DESC", "KEY_DESC", "KEY_ASC"]);
export const FilterArtifacts = Type.Object({ artifacts: maybe(ArtifactFilter), ...joined, ...page, ...artifactSort });
export type FilterArtifacts = Static<typeof FilterArtifacts>;
export const FilterLatestArtifacts = Type.Object({
  artifacts: maybe(ArtifactCollectionFilter),
  ...joined,
  ...page,
  ...artifactSort,
});
export type FilterLatestArtifacts = Static<typeof FilterLatestArtifacts>;
