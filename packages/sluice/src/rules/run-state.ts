import type { StateType } from "../wire/state-types.ts";

/** What the rules look at in `state_details`; everything else in it is carried along untouched. Times are ISO 8601. */
export interface StateDetails {
  readonly scheduled_time?: string | null;
  readonly transition_id?: string | null;
  readonly retriable?: boolean | null;
  readonly pause_key?: string | null;
  readonly pause_timeout?: string | null;
  readonly pause_reschedule?: boolean;
  readonly deployment_concurrency_lease_id?: string | null;
  readonly [name: string]: unknown;
}

/** A state as the rules see it: where a run stands, or where somebody proposes to take it. */
export interface RunState {
  readonly type: StateType;
  readonly name: string;
  /** Microseconds since the epoch. */
  readonly timestampUs: number;
  readonly message: string | null;
  /** Metadata of the result, in whichever shape the client sent it; null for none. */
  readonly data: unknown;
  readonly details: StateDetails;
}

const DEFAULT_NAMES: Readonly<Record<StateType, string>> = {
  SCHEDULED: "Scheduled",
  PENDING: "Pending",
  RUNNING: "Running",
  COMPLETED: "Completed",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
  CRASHED: "Crashed",
  PAUSED: "Paused",
  CANCELLING: "Cancelling",
};

/** Names a state that was given no name: its type, capitalised. */
export function defaultStateName(type: StateType): string {
  return DEFAULT_NAMES[type];
}

/** Makes a state of the server's own, with the defaults of everything not said. */
export function runState(
  type: StateType,
  timestampUs: number,
  rest: Partial<Omit<RunState, "type" | "timestampUs">> = {},
): RunState {
  return {
    type,
    name: rest.name ?? DEFAULT_NAMES[type],
    timestampUs,
    message: rest.message ?? null,
    data: rest.data ?? null,
    details: rest.details ?? {},
  };
}

/** Tells whether a state's data refers to a result that was written, so that leaving the state would lose it. */
export function hasPersistedResult(data: unknown): boolean {
  if (typeof data !== "object" || data === null || Array.isArray(data) || Object.keys(data).length === 0) return false;
  return !("type" in data) || data.type !== "unpersisted";
}
