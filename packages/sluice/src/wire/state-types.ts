/**
 * The nine state types of Prefect 3 and the sets the rules speak of.
 *
 * Plain data: a child process may import this file without loading a schema library.
 */
export const STATE_TYPES = [
  "SCHEDULED",
  "PENDING",
  "RUNNING",
  "COMPLETED",
  "FAILED",
  "CANCELLED",
  "CRASHED",
  "PAUSED",
  "CANCELLING",
] as const;

/** One of the nine state types. */
export type StateType = (typeof STATE_TYPES)[number];

/** The four state types that a run never leaves by itself. */
export const FINAL_STATE_TYPES = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] as const;

/** A state type in {@link FINAL_STATE_TYPES}. */
export type FinalStateType = (typeof FINAL_STATE_TYPES)[number];

/** Tells whether a run in a state of this type is over. */
export function isFinalStateType(type: StateType): type is FinalStateType {
  return type === "COMPLETED" || type === "FAILED" || type === "CRASHED" || type === "CANCELLED";
}
