/** The law: states, transitions, retries. Pure; both the engine and the server decide by it. */
export { aggregateFinalState, type FinalVerdict } from "./final-state.ts";
export {
  activeSlotsAfter,
  averageWaitSeconds,
  decayedDenials,
  deniedSlotsAfter,
  jitteredWait,
  occupancyAfter,
  type SlotCounts,
} from "./concurrency-slots.ts";
export { decideFlowTransition, type FlowPolicy } from "./policies/flow-policy.ts";
export type { FlowEffect, FlowFacts, PolicyPatch } from "./policies/flow-facts.ts";
export { decideTaskTransition, type TaskEffect, type TaskFacts } from "./policies/task-policy.ts";
export type { Decision, Transition } from "./policies/decision.ts";
export { retryDelaySeconds, type RetryDelay } from "./retry-delay.ts";
export { addTransition, noTotals, type HistoryEntry, type RunTotals } from "./run-totals.ts";
export { defaultStateName, hasPersistedResult, runState, type RunState, type StateDetails } from "./run-state.ts";
