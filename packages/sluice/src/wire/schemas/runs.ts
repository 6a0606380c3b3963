import { Type, type Static } from "typebox";
import { AnyObject, closed, Instant, Labels, maybe, StateTypeName, Strings, Uuid } from "./fields.ts";
import { CreatedBy, State, StateCreate } from "./state.ts";

/** A flow's name: no slash, percent, ampersand or angle brackets. */
const FlowName = Type.String({ pattern: "^[^/%&><]+$" });

export const FlowCreate = closed({ name: FlowName, tags: Type.Optional(Strings), labels: maybe(Labels) });
export type FlowCreate = Static<typeof FlowCreate>;

export const FlowUpdate = closed({ tags: Type.Optional(Strings) });
export type FlowUpdate = Static<typeof FlowUpdate>;

export const Flow = Type.Object({
  id: Uuid,
  created: Type.Union([Instant, Type.Null()]),
  updated: Type.Union([Instant, Type.Null()]),
  name: FlowName,
  tags: Type.Optional(Strings),
  labels: maybe(Labels),
});
export type Flow = Static<typeof Flow>;

export const FlowRunPolicy = Type.Object({
  max_retries: Type.Optional(Type.Integer()),
  retry_delay_seconds: Type.Optional(Type.Number()),
  retries: maybe(Type.Integer()),
  retry_delay: maybe(Type.Integer()),
  pause_keys: maybe(Type.Array(Type.String(), { uniqueItems: true })),
  resuming: maybe(Type.Boolean()),
  retry_type: maybe(Type.Enum(["in_process", "reschedule"])),
});

export const FlowRunCreate = closed({
  name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  flow_id: Uuid,
  flow_version: maybe(Type.String()),
  parameters: Type.Optional(AnyObject),
  context: Type.Optional(AnyObject),
  parent_task_run_id: maybe(Uuid),
  infrastructure_document_id: maybe(Uuid),
  empirical_policy: Type.Optional(FlowRunPolicy),
  tags: Type.Optional(Strings),
  labels: maybe(Labels),
  idempotency_key: maybe(Type.String()),
  deployment_id: maybe(Uuid),
  work_pool_name: maybe(Type.String()),
  work_queue_name: maybe(Type.String()),
  job_variables: maybe(AnyObject),
  state: maybe(StateCreate),
});
export type FlowRunCreate = Static<typeof FlowRunCreate>;

export const FlowRunUpdate = closed({
  name: maybe(Type.String()),
  flow_version: maybe(Type.String()),
  parameters: Type.Optional(AnyObject),
  empirical_policy: Type.Optional(FlowRunPolicy),
  tags: Type.Optional(Strings),
  infrastructure_pid: maybe(Type.String()),
  job_variables: maybe(AnyObject),
});
export type FlowRunUpdate = Static<typeof FlowRunUpdate>;

const runFields = {
  id: Uuid,
  created: Type.Union([Instant, Type.Null()]),
  updated: Type.Union([Instant, Type.Null()]),
  name: Type.Optional(Type.String()),
  state_id: maybe(Uuid),
  state_type: maybe(StateTypeName),
  state_name: maybe(Type.String()),
  run_count: Type.Optional(Type.Integer()),
  expected_start_time: maybe(Instant),
  next_scheduled_start_time: maybe(Instant),
  start_time: maybe(Instant),
  end_time: maybe(Instant),
  total_run_time: Type.Optional(Type.Number()),
  estimated_run_time: Type.Optional(Type.Number()),
  estimated_start_time_delta: Type.Optional(Type.Number()),
  state: maybe(State),
};

export const FlowRunResponse = Type.Object({
  ...runFields,
  flow_id: Uuid,
  deployment_id: maybe(Uuid),
  deployment_version: maybe(Type.String()),
  work_queue_id: maybe(Uuid),
  work_queue_name: maybe(Type.String()),
  work_pool_id: maybe(Uuid),
  work_pool_name: maybe(Type.String()),
  flow_version: maybe(Type.String()),
  parameters: Type.Optional(AnyObject),
  idempotency_key: maybe(Type.String()),
  context: Type.Optional(AnyObject),
  empirical_policy: Type.Optional(FlowRunPolicy),
  tags: Type.Optional(Strings),
  labels: Type.Optional(Labels),
  parent_task_run_id: maybe(Uuid),
  auto_scheduled: Type.Optional(Type.Boolean()),
  infrastructure_document_id: maybe(Uuid),
  infrastructure_pid: maybe(Type.String()),
  created_by: maybe(CreatedBy),
  job_variables: maybe(AnyObject),
});
export type FlowRunResponse = Static<typeof FlowRunResponse>;

export const TaskRunPolicy = Type.Object({
  max_retries: Type.Optional(Type.Integer()),
  retry_delay_seconds: Type.Optional(Type.Number()),
  retries: maybe(Type.Integer()),
  retry_delay: Type.Optional(
    Type.Union([Type.Integer(), Type.Number(), Type.Array(Type.Integer()), Type.Array(Type.Number()), Type.Null()]),
  ),
  retry_jitter_factor: maybe(Type.Number()),
});

const TaskInputs = Type.Record(
  Type.String(),
  Type.Array(
    Type.Union([
      Type.Object({ input_type: Type.Optional(Type.Literal("task_run")), id: Uuid }),
      Type.Object({ input_type: Type.Optional(Type.Literal("flow_run")), id: Uuid }),
      Type.Object({ input_type: Type.Optional(Type.Literal("parameter")), name: Type.String() }),
      Type.Object({ input_type: Type.Optional(Type.Literal("constant")), type: Type.String() }),
    ]),
  ),
);

export const TaskRunCreate = closed({
  id: maybe(Uuid),
  state: maybe(StateCreate),
  name: Type.Optional(Type.String()),
  flow_run_id: maybe(Uuid),
  task_key: Type.String(),
  dynamic_key: Type.String(),
  cache_key: maybe(Type.String()),
  cache_expiration: maybe(Instant),
  task_version: maybe(Type.String()),
  empirical_policy: Type.Optional(TaskRunPolicy),
  tags: Type.Optional(Strings),
  labels: maybe(Labels),
  task_inputs: Type.Optional(TaskInputs),
});
export type TaskRunCreate = Static<typeof TaskRunCreate>;

export const TaskRunUpdate = closed({ name: Type.Optional(Type.String()) });
export type TaskRunUpdate = Static<typeof TaskRunUpdate>;

export const TaskRun = Type.Object({
  ...runFields,
  flow_run_id: maybe(Uuid),
  task_key: Type.String(),
  dynamic_key: Type.String(),
  cache_key: maybe(Type.String()),
  cache_expiration: maybe(Instant),
  task_version: maybe(Type.String()),
  empirical_policy: Type.Optional(TaskRunPolicy),
  tags: Type.Optional(Strings),
  labels: maybe(Labels),
  task_inputs: Type.Optional(TaskInputs),
  flow_run_run_count: Type.Optional(Type.Integer()),
});
export type TaskRun = Static<typeof TaskRun>;
