/**
 * The law of task runs, for the transitions that are proposed over REST and for the engine's own.
 *
 * Prefect's ClientSideTaskOrchestrationPolicy without the rules of concurrency slots and of the server-side result cache.
 */
import { microsToIso } from "../wire/timestamp.ts";
import { isFinalStateType, type StateType } from "../wire/state-types.ts";
import { decide, type Decision, type Rule, type Transition } from "./decision.ts";
import { hasPersistedResult, runState } from "./run-state.ts";
import { copyScheduledTime, waitForScheduledTime } from "./shared-rules.ts";

/** What the rules must know of the task run, its flow run and of now. */
export interface TaskFacts {
  readonly nowUs: number;
  readonly runCount: number;
  readonly retries: number;
  /** Seconds until the next try, jitter included; see `retryDelaySeconds`. */
  readonly retryDelaySeconds: number;
  /** State of the flow run that the task run belongs to; undefined for a task run without one. */
  readonly flowRunState?: StateType | null;
}

const handleTerminalStates: Rule<TaskFacts> = ({ initial, proposed }) => {
  if (initial === null || !isFinalStateType(initial.type)) return undefined;
  if (proposed.type === "CANCELLING" || proposed.type === "PAUSED" || proposed.type === "CRASHED") {
    return { kind: "abort", reason: `Run is already ${initial.type}.` };
  }
  if (initial.type === "COMPLETED" && hasPersistedResult(initial.data))
    return { kind: "reject", state: null, reason: "This run is already completed." };
  return undefined;
};

const preventRunningTasksOfStoppedFlows: Rule<TaskFacts> = ({ proposed }, facts) => {
  if (proposed.type !== "RUNNING" || facts.flowRunState === undefined || facts.flowRunState === "RUNNING")
    return undefined;
  if (facts.flowRunState === "PAUSED") {
    return {
      kind: "reject",
      state: runState("PAUSED", facts.nowUs, { name: "NotReady" }),
      reason: "The flow is paused, new tasks can execute after resuming flow run.",
    };
  }
  return { kind: "abort", reason: "The enclosing flow must be running to begin task execution." };
};

const retryFailedTasks: Rule<TaskFacts> = ({ initial, proposed }, facts) => {
  if (initial?.type !== "RUNNING" || proposed.type !== "FAILED") return undefined;
  if (proposed.details.retriable === false || facts.runCount > facts.retries) return undefined;
  const state = runState("SCHEDULED", facts.nowUs, {
    name: "AwaitingRetry",
    message: proposed.message,
    data: proposed.data,
    details: { scheduled_time: microsToIso(facts.nowUs + Math.round(facts.retryDelaySeconds * 1e6)) },
  });
  return { kind: "reject", state, reason: "Retrying" };
};

const renameReruns: Rule<TaskFacts> = ({ initial, proposed }, facts) => {
  if (initial === null || proposed.type !== "RUNNING" || facts.runCount === 0 || isFinalStateType(initial.type))
    return undefined;
  return { kind: "change", state: { ...proposed, name: initial.name === "AwaitingRetry" ? "Retrying" : "Rerunning" } };
};

/** The rules of task runs, in order. */
const TASK_RULES: readonly Rule<TaskFacts>[] = [
  handleTerminalStates,
  preventRunningTasksOfStoppedFlows,
  copyScheduledTime,
  waitForScheduledTime,
  retryFailedTasks,
  renameReruns,
];

/** Decides a proposed transition of a task run. Pure, never throws. A forced one is always accepted. */
export function decideTaskTransition(transition: Transition, facts: TaskFacts, force = false): Decision {
  return decide(force ? [] : TASK_RULES, transition, facts);
}
