import type { TransitionRecord } from "../../wire/run-record.ts";
import { stateId } from "../../wire/state-id.ts";
import type { StateType } from "../../wire/state-types.ts";
import type { RunState } from "../../rules/run-state.ts";

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

/** Writes a run's history as compactly as JSON allows. By hand for the common case of transitions without details: half the cost of JSON.stringify. */
export function encodeTransitions(transitions: readonly (StoredTransition | TransitionRecord)[]): string {
  let text = "[";
  for (const transition of transitions) {
    if (text.length > 1) text += ",";
    const [type, name, timestampUs] = transition;
    text +=
      transition.length === 3 && PLAIN.test(name) ? `["${type}","${name}",${timestampUs}]` : JSON.stringify(transition);
  }
  return `${text}]`;
}

const PLAIN = /^\w*$/;

/** Reads what {@link encodeTransitions} wrote. */
export function decodeTransitions(text: string): StoredTransition[] {
  // Only encodeTransitions writes this column.
  return JSON.parse(text) as StoredTransition[];
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

/** Reads a stored transition as the rules see it. */
export function stateOf(transition: StoredTransition): RunState {
  const [type, name, timestampUs, message, data, details] = transition;
  return { type, name, timestampUs, message: message ?? null, data: data ?? null, details: details ?? {} };
}

/** The id of the state at a position of a run's history. */
export function idOfTransition(runId: string, index: number, transition: StoredTransition): string {
  return transition[6] ?? stateId(runId, index, transition[2]);
}
