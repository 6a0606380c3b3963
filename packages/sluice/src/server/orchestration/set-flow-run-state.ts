/**
 * Proposed transitions of flow runs: `set_state`, and everything else that moves a flow run by the rules.
 *
 * The rules decide; what they accept, or put in its place, is written with all its effects in one transaction.
 */
import type { Decision } from "../../rules/policies/decision.ts";
import { clientVersionOf } from "../../rules/policies/client-version.ts";
import type { FlowEffect } from "../../rules/policies/flow-facts.ts";
import { decideFlowTransition, settleResuming, type FlowPolicy } from "../../rules/policies/flow-policy.ts";
import { runState, type RunState } from "../../rules/run-state.ts";
import type { StateCreate } from "../../wire/contract/shapes.ts";
import type { ServerSettings } from "../../wire/server-settings.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { ObjectNotFound } from "../api-reply.ts";
import { endLeasesOf, leasesOfHolder, leaseSlots, renewLease } from "../concurrency/concurrency-leases.ts";
import { limitById } from "../concurrency/concurrency-limits.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { transitionOf } from "../db/transitions.ts";
import { flowFactsOf, flowPolicyOf, type JudgedTransition, type StoredFlowPolicy } from "./flow-facts.ts";
import type { Recording } from "./flow-run-events.ts";
import { keptState, nextTimestamp, outcomeOf, proposedState, stateNow, type SetStateOutcome } from "./proposals.ts";
import { appendToFlowRun } from "./run-history.ts";

/** The processes that own runs, as far as a decision asks. */
export interface Owners {
  /** Whether a process is there, as far as its lease says. */
  isRegistered(id: string): boolean;
  /** Tells the owner of a run that it is to be cancelled; false when there is nobody to tell. */
  tellCancelling(run: FlowRunRow): boolean;
}

/** What a decision needs: where runs are kept, who owns them, and how the server is set. */
export interface Deciding extends Recording {
  readonly processes: Owners;
  readonly settings: ServerSettings;
}

/** A state that somebody proposes for a flow run. */
export interface FlowRunProposal {
  readonly id: string;
  readonly state: StateCreate;
  /** Which rules are asked; default `core`. */
  readonly policy?: FlowPolicy;
  readonly userAgent?: string | undefined;
}

/**
 * Proposes a state for a flow run. Runs inside a write.
 *
 * A cancel goes to the run's owner at once; a run whose owner is gone, or that has an owner no more, becomes CANCELLED at once.
 *
 * @throws ObjectNotFound
 */
export function setFlowRunState(core: Deciding, proposal: FlowRunProposal): SetStateOutcome {
  const { store } = core;
  const row = store.flowRuns.byId(proposal.id);
  if (!row) throw new ObjectNotFound(`Flow run with id ${proposal.id} not found`);
  const proposed = proposedState(proposal.state, nextTimestamp(store, row));
  const clientVersion = clientVersionOf(proposal.userAgent);
  const { policy = "core" } = proposal;
  const transition = { initial: stateNow(row), proposed, nowUs: proposed.timestampUs, clientVersion, policy };
  const { decision, row: after } = moveFlowRun(core, row, transition);
  store.taskGroups.flush();
  return outcomeOf(decision, after);
}

/** Judges a transition of a flow run and writes what comes of it; the caller flushes the task groups. Runs inside a write. */
export function moveFlowRun(
  core: Deciding,
  row: FlowRunRow,
  transition: JudgedTransition,
): { readonly decision: Decision<FlowEffect>; readonly row: FlowRunRow } {
  const facts = flowFactsOf(core, row, transition);
  const judged = decideFlowTransition(transition, facts, transition.policy);
  const isAsked = transition.isReported !== true;
  const decision = isAsked && cancelsOrphan(core, row, judged) ? orphanCancelled(transition.proposed) : judged;
  if (decision.kind !== "accept" && decision.kind !== "reject") return { decision, row };
  const after = writeFlowRun(core, row, decision);
  if (isAsked && decision.state?.type === "CANCELLING") core.processes.tellCancelling(after);
  return { decision, row: after };
}

function cancelsOrphan({ processes }: Deciding, row: FlowRunRow, decision: Decision<FlowEffect>): boolean {
  if (decision.kind !== "accept" || decision.state.type !== "CANCELLING") return false;
  const isOpen = row.state_type === null || !isFinalStateType(row.state_type);
  return isOpen && row.process_id !== null && !processes.isRegistered(row.process_id);
}

function orphanCancelled(proposed: RunState): Decision<FlowEffect> {
  return {
    kind: "reject",
    state: runState("CANCELLED", proposed.timestampUs, { message: proposed.message }),
    reason: "The process that ran this flow run is gone: there is nothing to stop.",
    effects: [{ kind: "release-slots" }],
  };
}

function writeFlowRun(
  core: Recording,
  row: FlowRunRow,
  { state, effects }: { readonly state: RunState | null; readonly effects: readonly FlowEffect[] },
): FlowRunRow {
  const policy: Mutable<StoredFlowPolicy> = flowPolicyOf(row);
  const patch = (when: "before" | "after"): void => {
    for (const effect of effects)
      if (effect.kind === "patch-policy" && effect.when === when) Object.assign(policy, effect.patch);
  };
  patch("before");
  let after = row;
  if (state) {
    const { counts, isResuming } = settleResuming(policy.resuming === true, state);
    if (policy.resuming === true) policy.resuming = isResuming;
    after = appendToFlowRun(core, row, { transitions: [transitionOf(keptState(state))], countsRuns: counts });
  }
  patch("after");
  for (const effect of effects) applyToSlots(core.store, row.id, effect);
  const empirical_policy = JSON.stringify(policy);
  if (empirical_policy === row.empirical_policy) return after;
  core.store.flowRuns.patch(row.id, { empirical_policy });
  return { ...after, empirical_policy };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function applyToSlots(store: Store, flowRunId: string, effect: FlowEffect): void {
  if (effect.kind === "release-slots") endLeasesOf(store, flowRunId);
  else if (effect.kind === "renew-lease") renewLease(store, effect.leaseId, effect.leaseSeconds);
  else if (effect.kind === "keep-slot") {
    for (const { id } of leasesOfHolder(store, flowRunId)) renewLease(store, id, Infinity);
  } else if (effect.kind === "take-slot") {
    const limit = limitById(store, effect.limitId);
    const holder = { type: "flow_run", id: flowRunId } as const;
    const lease = { id: effect.leaseId, slots: 1, seconds: effect.leaseSeconds, holder };
    if (limit) leaseSlots(store, { ...lease, limits: [limit] });
  }
}
