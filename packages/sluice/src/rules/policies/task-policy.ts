/**
 * The law of task runs that are moved over REST. (Prefect's client and our engine decide theirs themselves, and send them as events or records.)
 *
 * Everything here is pure: what the rules must know comes as {@link TaskFacts}, what changes beside the state goes out as {@link TaskEffect}s.
 */
import { isFinalStateType, type StateType } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { hasPersistedResult, runState, type RunState } from "../run-state.ts";
import { decide, withDetails, type Decision, type Rule, type Transition } from "./decision.ts";
import { copyScheduledTime, preventPendingTransitions, waitForScheduledTime } from "./shared-rules.ts";

/** The flow run that a task run belongs to. */
export interface EnclosingFlowRun {
  readonly id: string;
  readonly state: RunState | null;
  /** How often it has entered RUNNING. */
  readonly runCount: number;
}

/** The limit of a tag: how many task runs with it may be RUNNING at a time. */
export interface TagLimit {
  readonly id: string;
  readonly tag: string;
  readonly maxSlots: number;
  readonly hasFreeSlot: boolean;
}

/** What the rules must know of the task run, its flow run and of now. */
export interface TaskFacts {
  readonly nowUs: number;
  readonly runCount: number;
  /** Null for a task that is never retried. */
  readonly retries: number | null;
  /** Seconds until the next try, jitter included; see `retryDelaySeconds`. */
  readonly retryDelaySeconds: number;
  /** Null for a task run without a flow run. */
  readonly flowRun: EnclosingFlowRun | null;
  /** How often the flow run had run when the task run last entered RUNNING. */
  readonly flowRunRunCount: number;
  /** The state that is kept under the cache key of the proposed one; null when there is none. */
  readonly cached: RunState | null;
  readonly maxCacheKeyLength: number;
  /** The limits that are in force for the task run's tags; none for one that holds its slots already. */
  readonly tagLimits: readonly TagLimit[];
  /** Whole seconds that a task run waits that finds its tags' slots taken. */
  readonly slotWaitSeconds: number;
}

/** What changes beside a task run's state. */
export type TaskEffect =
  | { readonly kind: "take-slots"; readonly limitIds: readonly string[] }
  | { readonly kind: "release-slots" }
  /** Keeps the written state for task runs with the same key. */
  | { readonly kind: "insert-cache"; readonly key: string; readonly expiration: string | null }
  /** The tries are counted from 0 again, before the state is written. */
  | { readonly kind: "reset-run-count" }
  | { readonly kind: "track-flow-run"; readonly flowRunRunCount: number }
  /** Offers the run to task workers; `again` before those that wait for their first try. */
  | { readonly kind: "enqueue"; readonly again: boolean };

type TaskRule = Rule<TaskFacts, TaskEffect>;
const RUNNING: ReadonlySet<StateType> = new Set(["RUNNING"]);

const cacheRetrieval: TaskRule = {
  name: "CacheRetrieval",
  to: RUNNING,
  judge: (_transition, { cached, nowUs }) => {
    if (cached === null) return undefined;
    const state = { ...cached, name: "Cached", timestampUs: nowUs };
    return { kind: "reject", state, reason: "Retrieved state from cache" };
  },
};

const handleTerminalStates: TaskRule = {
  name: "HandleTaskTerminalStateTransitions",
  from: new Set<StateType>(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]),
  judge: ({ initial, proposed }, { flowRun, flowRunRunCount }) => {
    if (initial === null) return undefined;
    if (proposed.type === "CANCELLING" || proposed.type === "PAUSED" || proposed.type === "CRASHED")
      return { kind: "abort", reason: `Run is already ${initial.type}.` };
    if (initial.type === "COMPLETED" && hasPersistedResult(initial.data))
      return { kind: "reject", state: null, reason: "This run is already completed." };
    if (isFinalStateType(proposed.type)) return undefined;
    const isRetryOfFlow = proposed.type === "RUNNING" && flowRun !== null && flowRunRunCount < flowRun.runCount;
    const state = isRetryOfFlow ? { ...proposed, name: "Retrying" } : proposed;
    return { kind: "go-on", state, effects: [{ kind: "reset-run-count" }] };
  },
};

const preventRunningTasksOfStoppedFlows: TaskRule = {
  name: "PreventRunningTasksFromStoppedFlows",
  to: RUNNING,
  judge: (_transition, { flowRun, nowUs }) => {
    if (flowRun === null || flowRun.state?.type === "RUNNING") return undefined;
    if (flowRun.state?.type !== "PAUSED")
      return { kind: "abort", reason: "The enclosing flow must be running to begin task execution." };
    const { pause_timeout = null, pause_reschedule = false } = flowRun.state.details;
    return {
      kind: "reject",
      state: withDetails(runState("PAUSED", nowUs, { name: "NotReady" }), { pause_timeout, pause_reschedule }),
      reason: `The flow is paused, new tasks can execute after resuming flow run: ${flowRun.id}.`,
    };
  },
};

const secureSlots: TaskRule = {
  name: "SecureTaskConcurrencySlots",
  to: RUNNING,
  judge: (_transition, { tagLimits, slotWaitSeconds }) => {
    const closed = tagLimits.find(({ maxSlots }) => maxSlots === 0);
    if (closed) {
      const reason = `The concurrency limit on tag "${closed.tag}" is 0 and will deadlock if the task tries to run again.`;
      return { kind: "abort", reason };
    }
    if (tagLimits.length === 0) return undefined;
    if (tagLimits.every(({ hasFreeSlot }) => hasFreeSlot))
      return { kind: "go-on", effects: [{ kind: "take-slots", limitIds: tagLimits.map(({ id }) => id) }] };
    const tags = tagLimits.map(({ tag }) => tag).join(", ");
    return { kind: "wait", delaySeconds: slotWaitSeconds, reason: `Concurrency limit reached for tags: ${tags}` };
  },
};

const copyTaskParametersId: TaskRule = {
  name: "CopyTaskParametersID",
  from: new Set<StateType>(["SCHEDULED", "PENDING"]),
  to: new Set<StateType>(["PENDING", "RUNNING"]),
  judge: ({ initial, proposed }) => {
    const id = initial?.details["task_parameters_id"];
    if (!id || proposed.details["task_parameters_id"]) return undefined;
    return { kind: "go-on", state: withDetails(proposed, { task_parameters_id: id }) };
  },
};

const retryFailedTasks: TaskRule = {
  name: "RetryFailedTasks",
  from: RUNNING,
  to: new Set<StateType>(["FAILED"]),
  judge: ({ proposed }, facts) => {
    if (proposed.details.retriable === false || facts.retries === null || facts.runCount > facts.retries)
      return undefined;
    const again = microsToIso(facts.nowUs + Math.round(facts.retryDelaySeconds * 1e6));
    const { message, data } = proposed;
    const details = { scheduled_time: again };
    const state = runState("SCHEDULED", facts.nowUs, { name: "AwaitingRetry", message, data, details });
    return { kind: "reject", state, reason: "Retrying" };
  },
};

const renameReruns: TaskRule = {
  name: "RenameReruns",
  to: RUNNING,
  judge: ({ initial, proposed }, { runCount }) => {
    // A run that left an end has begun to count anew.
    if (initial === null || runCount === 0 || isFinalStateType(initial.type)) return undefined;
    const name = initial.name === "AwaitingRetry" ? "Retrying" : "Rerunning";
    return { kind: "go-on", state: { ...proposed, name } };
  },
};

const updateFlowRunTracker: TaskRule = {
  name: "UpdateFlowRunTrackerOnTasks",
  to: RUNNING,
  judge: (_transition, { flowRun }) =>
    flowRun === null
      ? undefined
      : { kind: "go-on", effects: [{ kind: "track-flow-run", flowRunRunCount: flowRun.runCount }] },
};

const cacheInsertion: TaskRule = {
  name: "CacheInsertion",
  to: new Set<StateType>(["COMPLETED"]),
  judge: ({ proposed }, { maxCacheKeyLength }) => {
    const { cache_key: key, cache_expiration: expiration } = proposed.details;
    if (typeof key !== "string" || key === "") return undefined;
    if (key.length > maxCacheKeyLength) {
      const reason = `Cache key exceeded maximum allowed length of ${maxCacheKeyLength} characters.`;
      return { kind: "reject", state: proposed, reason };
    }
    const until = typeof expiration === "string" ? expiration : null;
    return { kind: "go-on", effects: [{ kind: "insert-cache", key, expiration: until }] };
  },
};

const enqueueScheduledTasks: TaskRule = {
  name: "EnqueueScheduledTasks",
  to: new Set<StateType>(["SCHEDULED"]),
  judge: ({ proposed }) => ({
    kind: "go-on",
    effects: [{ kind: "enqueue", again: proposed.name === "AwaitingRetry" }],
  }),
};

/** The rules of a task run in a flow, in order. */
const CORE: readonly TaskRule[] = [
  cacheRetrieval,
  handleTerminalStates,
  preventRunningTasksOfStoppedFlows,
  secureSlots,
  copyScheduledTime,
  waitForScheduledTime,
  retryFailedTasks,
  renameReruns,
  updateFlowRunTracker,
  cacheInsertion,
];

/** The rules of a task run that task workers run. */
const BACKGROUND: readonly TaskRule[] = [
  preventPendingTransitions,
  cacheRetrieval,
  handleTerminalStates,
  copyScheduledTime,
  copyTaskParametersId,
  waitForScheduledTime,
  retryFailedTasks,
  renameReruns,
  updateFlowRunTracker,
  cacheInsertion,
  enqueueScheduledTasks,
];

/**
 * Decides a proposed transition of a task run. Pure, never throws.
 *
 * @param force accepts it as it is, unless it is one of a background task (`deferred`)
 */
export function decideTaskTransition(transition: Transition, facts: TaskFacts, force = false): Decision<TaskEffect> {
  const rules = transition.proposed.details["deferred"] === true ? BACKGROUND : force ? [] : CORE;
  const decision = decide(rules, transition, facts);
  if ((decision.kind !== "accept" && decision.kind !== "reject") || decision.state === null) return decision;
  const { type } = decision.state;
  if (type === "RUNNING" || type === "CANCELLING") return decision;
  return { ...decision, effects: [...decision.effects, { kind: "release-slots" }] };
}
