import type { TransitionRecord } from "../../wire/run-record.ts";
import { stateId } from "../../wire/state-id.ts";
import { STATE_TYPES, type StateType } from "../../wire/state-types.ts";
import { defaultStateName, type RunState } from "../../rules/run-state.ts";

/** A transition as stored: a {@link TransitionRecord} with the id of its state when that came from a client and does not derive from the run. */
export type StoredTransition = readonly [
  type: StateType,
  name: string,
  timestamp_us: number,
  message?: string | null,
  data?: unknown,
  details?: Readonly<Record<string, unknown>> | null,
  id?: string,
];

/**
 * Writes a run's history as compactly as JSON allows: the type as its position among the nine, the default name of a type as 0.
 *
 * By hand for the common case of transitions without details: every byte of a task run is written twice, and JSON.stringify took twice the time.
 */
export function encodeTransitions(transitions: readonly (StoredTransition | TransitionRecord)[]): string {
  let text = "[";
  for (const transition of transitions) {
    if (text.length > 1) text += ",";
    const [type, name, timestampUs] = transition;
    const shortName = name === defaultStateName(type) ? 0 : name;
    if (shortName === 0 && transition.length === 3) text += `[${NUMBER_OF[type]},0,${timestampUs}]`;
    else text += JSON.stringify([NUMBER_OF[type], shortName, ...transition.slice(2)]);
  }
  return `${text}]`;
}

const NUMBER_OF: Readonly<Record<StateType, number>> = {
  SCHEDULED: 0,
  PENDING: 1,
  RUNNING: 2,
  COMPLETED: 3,
  FAILED: 4,
  CANCELLED: 5,
  CRASHED: 6,
  PAUSED: 7,
  CANCELLING: 8,
};

type EncodedTransition = [number, string | 0, ...unknown[]];

/** Reads what {@link encodeTransitions} wrote. */
export function decodeTransitions(text: string): StoredTransition[] {
  // Only encodeTransitions writes this column.
  return (JSON.parse(text) as EncodedTransition[]).map(decodeTransition);
}

/** The last of {@link decodeTransitions}, with its position; undefined when there is none. */
export function newestTransition(text: string): { index: number; transition: StoredTransition } | undefined {
  const encoded = JSON.parse(text) as EncodedTransition[];
  const newest = encoded.at(-1);
  return newest && { index: encoded.length - 1, transition: decodeTransition(newest) };
}

function decodeTransition(entry: EncodedTransition): StoredTransition {
  const type = STATE_TYPES[entry[0]] ?? "PENDING";
  const name = entry[1] === 0 ? defaultStateName(type) : entry[1];
  // The rest of the tuple is as it was given.
  return [type, name].concat(entry.slice(2) as []) as unknown as StoredTransition;
}

/** Makes a stored transition of a state. */
export function transitionOf(state: RunState, id?: string): StoredTransition {
  const details = Object.keys(state.details).length > 0 ? state.details : null;
  if (id !== undefined) return [state.type, state.name, state.timestampUs, state.message, state.data, details, id];
  if (details) return [state.type, state.name, state.timestampUs, state.message, state.data, details];
  if (state.data !== null) return [state.type, state.name, state.timestampUs, state.message, state.data];
  return state.message === null
    ? [state.type, state.name, state.timestampUs]
    : [state.type, state.name, state.timestampUs, state.message];
}

/** Marks a state of a tracking task run as its own, not its subflow's. */
export function withoutChild(transition: StoredTransition): StoredTransition {
  const [type, name, timestampUs, message = null, data = null, details = null, id] = transition;
  const marked = { ...details, child_flow_run_id: null };
  return id === undefined
    ? [type, name, timestampUs, message, data, marked]
    : [type, name, timestampUs, message, data, marked, id];
}

/** Reads a stored transition as the rules see it. */
export function stateOf(transition: StoredTransition): RunState {
  const [type, name, timestampUs, message, data, details] = transition;
  return { type, name, timestampUs, message: message ?? null, data: data ?? null, details: details ?? {} };
}

/** The id of the state at a position of a run's history. */
export function idOfTransition(runId: string, index: number, transition: StoredTransition): string {
  return transition[6] ?? stateId(runId, index, transition[2]);
}
