import type { FlowRunNode, StateCounts } from "../../wire/run-tree.ts";
import { isFinalStateType, STATE_TYPES, type StateType } from "../../wire/state-types.ts";

/** Adds `more` to `counts`, which is changed and returned. */
export function addCounts(
  counts: Partial<Record<StateType, number>>,
  more: StateCounts,
): Partial<Record<StateType, number>> {
  for (const type of STATE_TYPES) {
    const count = more[type] ?? 0;
    if (count > 0) counts[type] = (counts[type] ?? 0) + count;
  }
  return counts;
}

/** All runs counted. */
export function totalOf(counts: StateCounts): number {
  return STATE_TYPES.reduce((sum, type) => sum + (counts[type] ?? 0), 0);
}

/** The runs that are in a final state. */
export function finalOf(counts: StateCounts): number {
  return STATE_TYPES.reduce((sum, type) => sum + (isFinalStateType(type) ? (counts[type] ?? 0) : 0), 0);
}

/** Counts the direct child flow runs of a node by state, those left out of the tree included. */
export function childFlowCounts(node: FlowRunNode): StateCounts {
  const counts: Partial<Record<StateType, number>> = {};
  for (const child of node.flow_runs) counts[child.state_type] = (counts[child.state_type] ?? 0) + 1;
  return addCounts(counts, node.omitted_flow_runs ?? {});
}

/** Milliseconds since the epoch of a wire timestamp; null stays null. */
export function instantMs(timestamp: string | null): number | null {
  return timestamp === null ? null : Date.parse(timestamp);
}
