import type { RunState } from "./run-state.ts";

/**
 * What a policy says to a proposed transition.
 *
 * `accept` carries the state to write, which a rule may have renamed or completed. `reject` carries the state to write instead, or null when
 * the run stays where it is. After `wait` the client proposes again; after `abort` it gives up.
 */
export type Decision =
  | { readonly kind: "accept"; readonly state: RunState; readonly policyPatch?: PolicyPatch }
  | {
      readonly kind: "reject";
      readonly state: RunState | null;
      readonly reason: string;
      readonly policyPatch?: PolicyPatch;
    }
  | { readonly kind: "wait"; readonly delaySeconds: number; readonly reason: string }
  | { readonly kind: "abort"; readonly reason: string };

/** Fields of the run's `empirical_policy` that change with the transition. */
export interface PolicyPatch {
  readonly resuming?: boolean;
  readonly pause_keys?: readonly string[];
  readonly retry_type?: "in_process" | "reschedule" | null;
}

/** From where to where; `initial` is null for a run that has no state yet. */
export interface Transition {
  readonly initial: RunState | null;
  readonly proposed: RunState;
}

/** What one rule says: nothing, that it changes the proposed state and goes on, or a decision that ends the matter. */
export type RuleOutcome =
  | undefined
  | { readonly kind: "change"; readonly state: RunState; readonly policyPatch?: PolicyPatch }
  | Exclude<Decision, { kind: "accept" }>;

/** A test on a transition. Pure: everything it needs is in `facts`. */
export type Rule<Facts> = (transition: Transition, facts: Facts) => RuleOutcome;

/**
 * Asks the rules in order until one refuses.
 *
 * Pure. A rule that changes the proposed state is seen by those after it.
 */
export function decide<Facts>(rules: readonly Rule<Facts>[], transition: Transition, facts: Facts): Decision {
  let proposed = transition.proposed;
  const policyPatch: PolicyPatch = {};
  for (const rule of rules) {
    const outcome = rule({ initial: transition.initial, proposed }, facts);
    if (outcome === undefined) continue;
    if (outcome.kind !== "change") return outcome;
    proposed = outcome.state;
    if (outcome.policyPatch) Object.assign(policyPatch, outcome.policyPatch);
  }
  return Object.keys(policyPatch).length > 0
    ? { kind: "accept", state: proposed, policyPatch }
    : { kind: "accept", state: proposed };
}
