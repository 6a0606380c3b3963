/** Proposed transitions of task runs, as those over REST; the rules decide, see `rules/policies/task-policy.ts`. */
import type { Decision } from "../../../rules/policies/decision.ts";
import { decideTaskTransition, type TaskEffect } from "../../../rules/policies/task-policy.ts";
import type { RunState } from "../../../rules/run-state.ts";
import type { StateCreate } from "../../../wire/contract/shapes.ts";
import { ObjectNotFound } from "../../api-reply.ts";
import { endLeasesOf, leaseSlots } from "../../concurrency/concurrency-leases.ts";
import { limitById } from "../../concurrency/concurrency-limits.ts";
import type { Store } from "../../db/store.ts";
import type { TaskRunRow } from "../../db/task-run-table.ts";
import { decodeTransitions, transitionOf, withoutChild } from "../../db/transitions.ts";
import { detailsOfTaskRun } from "../../queries/render.ts";
import { keptState, nextTimestamp, outcomeOf, proposedState, stateNow, type SetStateOutcome } from "../proposals.ts";
import { appendToTaskRun } from "../run-history.ts";
import { insertIntoCache } from "./task-cache.ts";
import { taskFactsOf, type TaskSettings } from "./task-facts.ts";

/** What a decision needs: where task runs are kept, how the server is set, and the queue of background tasks. */
export interface DecidingTasks {
  readonly store: Store;
  readonly settings: TaskSettings;
  readonly taskQueue: {
    /** Offers a run to the task workers once this write is durable; `again` before those that wait for their first try. */
    enqueue(run: { readonly id: string; readonly taskKey: string; readonly again: boolean }): void;
  };
}

/** A state that somebody proposes for a task run. */
export interface TaskRunProposal {
  readonly id: string;
  readonly state: StateCreate;
  /** Default false. */
  readonly force?: boolean;
}

/** Proposes a state for a task run. Runs inside a write. @throws ObjectNotFound */
export function setTaskRunState(core: DecidingTasks, proposal: TaskRunProposal): SetStateOutcome {
  const { store } = core;
  const row = store.taskRuns.byId(proposal.id);
  if (!row) throw new ObjectNotFound(`Task run with id ${proposal.id} not found`);
  const proposed = proposedState(proposal.state, nextTimestamp(store, row));
  const { decision, row: after } = moveTaskRun(core, row, { proposed, force: proposal.force });
  store.taskGroups.flush();
  return outcomeOf(decision, after);
}

/** Judges a transition of a task run and writes what comes of it; the caller flushes the task groups. Runs inside a write. */
export function moveTaskRun(
  core: DecidingTasks,
  row: TaskRunRow,
  { proposed, force = false }: { readonly proposed: RunState; readonly force?: boolean | undefined },
): { readonly decision: Decision<TaskEffect>; readonly row: TaskRunRow } {
  const transition = { initial: stateNow(row), proposed };
  const decision = decideTaskTransition(transition, taskFactsOf(core, row, proposed), force);
  if ((decision.kind !== "accept" && decision.kind !== "reject") || decision.state === null) return { decision, row };
  return { decision, row: writeTaskRun(core, row, { state: decision.state, effects: decision.effects }) };
}

function writeTaskRun(
  core: DecidingTasks,
  row: TaskRunRow,
  { state, effects }: { readonly state: RunState; readonly effects: readonly TaskEffect[] },
): TaskRunRow {
  const isCountedAnew = effects.some(({ kind }) => kind === "reset-run-count");
  const transition = transitionOf(keptState(state));
  const own = row.child_flow_run_id === null ? transition : withoutChild(transition);
  let after = appendToTaskRun(core, isCountedAnew ? { ...row, run_count: 0 } : row, [own]);
  for (const effect of effects) after = apply(core, after, effect);
  return after;
}

function apply({ store, taskQueue }: DecidingTasks, row: TaskRunRow, effect: TaskEffect): TaskRunRow {
  const { id } = row;
  if (effect.kind === "release-slots") endLeasesOf(store, id);
  else if (effect.kind === "enqueue") taskQueue.enqueue({ id, taskKey: row.task_key, again: effect.again });
  else if (effect.kind === "take-slots") {
    const holder = { type: "task_run", id } as const;
    const limits = effect.limitIds.flatMap((limitId) => limitById(store, limitId) ?? []);
    // Clients of this way renew no leases.
    leaseSlots(store, { limits, slots: 1, seconds: Infinity, holder });
  } else if (effect.kind === "insert-cache") {
    insertIntoCache(store, { taskRunId: id, index: decodeTransitions(row.transitions).length - 1 }, effect);
  } else if (effect.kind === "track-flow-run") {
    const details = JSON.stringify({ ...detailsOfTaskRun(row), flow_run_run_count: effect.flowRunRunCount });
    store.taskRuns.patch(id, { details });
    return { ...row, details };
  }
  return row;
}
