import type { StateType } from "./state-types.ts";

/**
 * What an engine reports of its runs: the body of `POST /api/sluice/run-records`.
 *
 * One record carries all transitions of one run that the store has not acknowledged yet, so a run that starts and ends between two flushes
 * costs one record. Records are idempotent by (run id, transition count): `base` says how many transitions the engine knows to be stored,
 * and a record that arrives twice changes nothing. State ids and event ids derive from (run id, index of the transition, timestamp),
 * see `state-id.ts`.
 *
 * These interfaces are the one declaration of the shape; `schemas/run-record.ts` holds the validator and a type test that both agree.
 */
export interface RunRecordBatch {
  /** The reporting process, registered by `POST /api/sluice/processes`; owner of the open runs in `records`. */
  readonly process_id: string;
  readonly records: readonly RunRecord[];
}

/** One transition, as compact as JSON allows: type, name, microseconds since the epoch, message, data, details. */
export type TransitionRecord = readonly [
  type: StateType,
  name: string,
  timestamp_us: number,
  message?: string | null,
  data?: ResultReference | null,
  details?: Readonly<Record<string, unknown>> | null,
];

/** Where the value of a COMPLETED (or the exception of a FAILED) state is kept: Prefect's result metadata, never the value. */
export interface ResultReference {
  readonly type: "reference";
  readonly storage_key: string;
  readonly storage_block_id: string | null;
  /** ISO 8601 in UTC, or null for a result that does not expire. */
  readonly expiration: string | null;
  readonly serializer: { readonly type: "json" | "v8" };
  readonly prefect_version?: string;
}

/** A run input as Prefect shows it: another run, a parameter of the flow, or a constant. */
export type RunInput =
  | { readonly input_type: "task_run"; readonly id: string }
  | { readonly input_type: "flow_run"; readonly id: string }
  | { readonly input_type: "parameter"; readonly name: string }
  | { readonly input_type: "constant"; readonly type: string };

interface RunRecordBase {
  readonly id: string;
  /**
   * Number of transitions of this run that the store has acknowledged; 0 for a run it has never seen.
   * "latest" appends after whatever is stored, unless the run is already final: how a near side reports a run whose far side died.
   * A transition that is already stored (same type and timestamp) is skipped, so both forms may be delivered twice.
   */
  readonly base: number | "latest";
  readonly transitions: readonly TransitionRecord[];
  /** True when the transitions are to be judged by the orchestration rules even though the run was never announced (deployed, limited). */
  readonly propose?: boolean;
}

/** The parts of a task run that do not change; present when `base` is 0 or "latest". */
export interface TaskRunIdentity {
  readonly name: string;
  readonly flow_run_id: string | null;
  readonly task_key: string;
  /** Hash of the arguments and occurrence among identical calls, or the user's key. Unique with (flow_run_id, task_key). */
  readonly dynamic_key: string;
  readonly tags?: readonly string[];
  readonly task_inputs?: Readonly<Record<string, readonly RunInput[]>>;
  readonly cache_key?: string;
  readonly task_version?: string;
  readonly empirical_policy?: Readonly<Record<string, unknown>>;
}

export interface TaskRunRecord extends RunRecordBase {
  readonly kind: "task";
  readonly run?: TaskRunIdentity;
}

/** The parts of a flow run that do not change; present when `base` is 0 or "latest". */
export interface FlowRunIdentity {
  readonly name: string;
  /** The store finds or makes the flow of this name. */
  readonly flow_name: string;
  readonly flow_version?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  readonly labels?: Readonly<Record<string, string | number | boolean>>;
  readonly empirical_policy?: Readonly<Record<string, unknown>>;
  readonly deployment_id?: string;
  readonly idempotency_key?: string;
  /** `path/to/file.ts:exportName` of the flow. */
  readonly entrypoint?: string;
  /**
   * The tracking task run of a subflow: the store writes its row with the flow run, and shows the flow run's transitions as its states
   * (Prefect's `parent_task_run_id`; the row's `state_details.child_flow_run_id` names this flow run).
   */
  readonly parent_task_run?: { readonly id: string } & TaskRunIdentity;
}

export interface FlowRunRecord extends RunRecordBase {
  readonly kind: "flow";
  readonly run?: FlowRunIdentity;
}

export type RunRecord = TaskRunRecord | FlowRunRecord;

/**
 * A record whose transitions the rules did not accept as they were, or one sent with base "latest" (then ACCEPT, for its count);
 * everything not listed is stored as sent.
 */
export interface RecordVerdict {
  readonly id: string;
  /** WAIT: nothing has changed, the same may be proposed again after `delay_seconds`. */
  readonly status: "ACCEPT" | "REJECT" | "WAIT" | "ABORT";
  readonly reason: string;
  /** The id under which the store keeps the run from now on, where the store chooses ids itself (Prefect's servers do for flow runs). */
  readonly run_id?: string;
  /** With WAIT, and with a REJECT to a state that is to be left again (AwaitingRetry): float seconds from now after which to propose RUNNING. */
  readonly delay_seconds?: number;
  /** How many transitions the store holds now: the next `base`. */
  readonly transition_count: number;
  readonly state: { readonly type: StateType; readonly name: string; readonly message: string | null };
}

/** The answer to a {@link RunRecordBatch}: durable once received. */
export interface RunRecordReply {
  readonly verdicts: readonly RecordVerdict[];
}
