import type { StateType } from "../wire/state-types.ts";

/** Type and message that a run ends with. */
export interface FinalVerdict {
  readonly type: "COMPLETED" | "FAILED" | "CANCELLED" | "PAUSED";
  readonly message: string | null;
}

/**
 * Decides how a run ends whose function returned states or futures instead of a value. Pure.
 *
 * The one rule, asked of Prefect 3.8.8: **only the return value decides.** A thrown exception fails the run. A state made by hand is taken
 * as it is. A future, a state of another run, or a non-empty list, tuple or set of nothing but those is aggregated by this function:
 * all COMPLETED → COMPLETED; else any CANCELLED → CANCELLED; else any PAUSED → PAUSED; else FAILED. Everything else (a value, nothing,
 * an object of futures, a list that mixes futures and values) is COMPLETED: a failed future that is not returned changes nothing.
 *
 * @param types state types of what was returned; at least one
 */
export function aggregateFinalState(types: readonly StateType[]): FinalVerdict {
  const count = (...wanted: StateType[]): number => types.filter((type) => wanted.includes(type)).length;
  if (count("COMPLETED") === types.length) return { type: "COMPLETED", message: "All states completed." };
  const cancelled = count("CANCELLED");
  if (cancelled > 0) return { type: "CANCELLED", message: `${cancelled}/${types.length} states cancelled.` };
  const paused = count("PAUSED");
  if (paused > 0) return { type: "PAUSED", message: `${paused}/${types.length} states paused.` };
  const failed = count("FAILED", "CRASHED");
  if (failed > 0) return { type: "FAILED", message: `${failed}/${types.length} states failed.` };
  const open = count("SCHEDULED", "PENDING", "RUNNING", "CANCELLING");
  return { type: "FAILED", message: `${open}/${types.length} states are not final.` };
}
