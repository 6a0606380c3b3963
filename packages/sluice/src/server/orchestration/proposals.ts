/** What proposals of flow runs and of task runs have in common: the state as proposed, the state as it is, and the answer. */
import type { Decision } from "../../rules/policies/decision.ts";
import { runState, type RunState, type StateDetails } from "../../rules/run-state.ts";
import type { OrchestrationResult, StateCreate } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { TaskRunRow } from "../db/task-run-table.ts";
import { stateOf } from "../db/transitions.ts";
import { isStateDetail, newestStateBody } from "../queries/render.ts";
import { newestTransition } from "./run-history.ts";

/** What came of a proposal; `isNew` says whether a state was written, be it another one than proposed (201 instead of 200). */
export interface SetStateOutcome {
  readonly isNew: boolean;
  readonly result: OrchestrationResult;
}

/** Makes the state that a client proposes, with the contract's defaults: the type's name, now as the time of a schedule. */
export function proposedState(state: StateCreate, timestampUs: number): RunState {
  const details: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(state.state_details ?? {})) {
    const isSaid = value !== null && !(value === false && FALSE_BY_DEFAULT.has(name));
    if (isSaid && isStateDetail(name)) details[name] = value;
  }
  if (state.type === "SCHEDULED") details["scheduled_time"] ??= microsToIso(timestampUs);
  // The schema has checked the fields that the rules read.
  const checked = details as StateDetails;
  const { name, message = null, data = null } = state;
  const rest = { message, data, details: checked };
  return runState(state.type, timestampUs, name === null || name === undefined ? rest : { name, ...rest });
}

/** Details whose false says nothing. */
const FALSE_BY_DEFAULT: ReadonlySet<string> = new Set(["deferred", "untrackable_result", "pause_reschedule"]);

/** The state of a run; null when it has none. */
export function stateNow(row: FlowRunRow | TaskRunRow): RunState | null {
  const newest = newestTransition(row);
  return newest ? stateOf(newest) : null;
}

/** The time of a run's next state: now, and after all its states. */
export function nextTimestamp(store: Store, row: FlowRunRow | TaskRunRow): number {
  return Math.max(store.nowUs(), (row.state_timestamp ?? 0) + 1);
}

/** A state as it is kept: of a result that was not kept nothing is, as in the contract. */
export function keptState(state: RunState): RunState {
  return isUnpersisted(state.data) ? { ...state, data: null } : state;
}

function isUnpersisted(data: unknown): boolean {
  return typeof data === "object" && data !== null && "type" in data && data.type === "unpersisted";
}

/** The answer to a proposal. @param row as it is after it */
export function outcomeOf(decision: Decision<unknown>, row: FlowRunRow | TaskRunRow): SetStateOutcome {
  const newest = newestStateBody(row);
  const written = decision.kind === "accept" || decision.kind === "reject" ? decision.state : null;
  // Who proposed a result that is not kept is shown it once more.
  const state = newest && written ? { ...newest, data: written.data } : newest;
  if (decision.kind === "accept")
    return { isNew: true, result: { state, status: "ACCEPT", details: { type: "accept_details" } } };
  const { reason } = decision;
  if (decision.kind === "reject") {
    const details = { type: "reject_details", reason } as const;
    return { isNew: decision.state !== null, result: { state, status: "REJECT", details } };
  }
  if (decision.kind === "abort")
    return { isNew: false, result: { state, status: "ABORT", details: { type: "abort_details", reason } } };
  const details = { type: "wait_details", delay_seconds: decision.delaySeconds, reason } as const;
  return { isNew: false, result: { state, status: "WAIT", details } };
}
