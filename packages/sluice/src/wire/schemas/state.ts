import { Type, type Static } from "typebox";
import { AnyObject, Instant, maybe, nullable, StateTypeName, Uuid } from "./fields.ts";

/** What a state says beside its type and name. */
export const StateDetails = Type.Object({
  flow_run_id: maybe(Uuid),
  task_run_id: maybe(Uuid),
  child_flow_run_id: maybe(Uuid),
  scheduled_time: maybe(Instant),
  cache_key: maybe(Type.String()),
  cache_expiration: maybe(Instant),
  deferred: maybe(Type.Boolean()),
  untrackable_result: Type.Optional(Type.Boolean()),
  pause_timeout: maybe(Instant),
  pause_reschedule: Type.Optional(Type.Boolean()),
  pause_key: maybe(Type.String()),
  run_input_keyset: maybe(Type.Record(Type.String(), Type.String())),
  refresh_cache: maybe(Type.Boolean()),
  retriable: maybe(Type.Boolean()),
  transition_id: maybe(Uuid),
  task_parameters_id: maybe(Uuid),
  traceparent: maybe(Type.String()),
  deployment_concurrency_lease_id: maybe(Uuid),
});
export type StateDetails = Static<typeof StateDetails>;

/** A state that a client proposes. */
export const StateCreate = Type.Object(
  {
    type: StateTypeName,
    name: maybe(Type.String()),
    message: maybe(Type.String()),
    data: maybe(Type.Unknown()),
    state_details: Type.Optional(StateDetails),
  },
  { additionalProperties: false },
);
export type StateCreate = Static<typeof StateCreate>;

/** A state as it is kept. */
export const State = Type.Object({
  id: Uuid,
  type: StateTypeName,
  name: maybe(Type.String()),
  timestamp: Type.Optional(Instant),
  message: maybe(Type.String()),
  data: maybe(Type.Unknown()),
  state_details: Type.Optional(StateDetails),
});
export type State = Static<typeof State>;

/** Body of `set_state`. */
export const SetState = Type.Object({ state: StateCreate, force: Type.Optional(Type.Boolean()) });
export type SetState = Static<typeof SetState>;

/** Answer of `set_state`: what became of the proposal. */
export const OrchestrationResult = Type.Object({
  state: nullable(State),
  status: Type.Enum(["ACCEPT", "REJECT", "ABORT", "WAIT"]),
  details: Type.Union([
    Type.Object({ type: Type.Optional(Type.Literal("accept_details")) }),
    Type.Object({
      type: Type.Optional(Type.Literal("wait_details")),
      delay_seconds: Type.Integer(),
      reason: maybe(Type.String()),
    }),
    Type.Object({ type: Type.Optional(Type.Literal("reject_details")), reason: maybe(Type.String()) }),
    Type.Object({ type: Type.Optional(Type.Literal("abort_details")), reason: maybe(Type.String()) }),
  ]),
});
export type OrchestrationResult = Static<typeof OrchestrationResult>;

/** What a flow run's row says of who made it. */
export const CreatedBy = Type.Object({
  id: maybe(Uuid),
  type: maybe(Type.String()),
  display_value: maybe(Type.String()),
});

/** An event as a client sends it. */
export const Event = Type.Object({
  id: Uuid,
  occurred: Instant,
  event: Type.String(),
  resource: Type.Record(Type.String(), Type.String()),
  related: Type.Optional(Type.Array(Type.Record(Type.String(), Type.String()))),
  payload: Type.Optional(AnyObject),
  follows: maybe(Uuid),
});
export type Event = Static<typeof Event>;
