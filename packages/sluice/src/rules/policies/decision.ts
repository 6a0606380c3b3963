/**
 * How a proposed transition is decided: an ordered list of rules is asked, each with the state as those before it left it.
 *
 * A rule says nothing, changes the proposed state, or ends the matter. What must change beside the state goes out as effects: those of a rule that
 * changed or accepted are kept only when the transition is accepted in the end, those of the rule that ended the matter are its own. So nothing is taken
 * or patched before the last rule has spoken.
 */
import type { StateType } from "../../wire/state-types.ts";
import type { RunState } from "../run-state.ts";

/**
 * What a policy says to a proposed transition.
 *
 * `accept` carries the state to write, which a rule may have renamed or completed. `reject` carries the state to write instead, or null when
 * the run stays where it is. After `wait` the client proposes again; after `abort` it gives up.
 */
export type Decision<Effect> =
  | { readonly kind: "accept"; readonly state: RunState; readonly effects: readonly Effect[] }
  | {
      readonly kind: "reject";
      readonly state: RunState | null;
      readonly reason: string;
      readonly effects: readonly Effect[];
    }
  | { readonly kind: "wait"; readonly delaySeconds: number; readonly reason: string }
  | { readonly kind: "abort"; readonly reason: string };

/** From where to where; `initial` is null for a run that has no state yet. */
export interface Transition {
  readonly initial: RunState | null;
  readonly proposed: RunState;
}

/** What one rule says: nothing, that it goes on with this state and these effects, or a decision that ends the matter. */
export type RuleOutcome<Effect> =
  | undefined
  | { readonly kind: "go-on"; readonly state?: RunState; readonly effects?: readonly Effect[] }
  | {
      readonly kind: "reject";
      readonly state: RunState | null;
      readonly reason: string;
      readonly effects?: readonly Effect[];
    }
  | { readonly kind: "wait"; readonly delaySeconds: number; readonly reason: string }
  | { readonly kind: "abort"; readonly reason: string };

/** A test on transitions between some types of states. Pure: everything it needs is in `facts`. */
export interface Rule<Facts, Effect> {
  /** Prefect's name. */
  readonly name: string;
  /** Types that a run leaves; left out it is any, or none. */
  readonly from?: ReadonlySet<StateType | null>;
  /** Types that a run enters; left out it is any. */
  readonly to?: ReadonlySet<StateType>;
  readonly judge: (transition: Transition, facts: Facts) => RuleOutcome<Effect>;
}

/**
 * Asks the rules in order until one ends the matter.
 *
 * Pure. A rule is asked by the types of the transition as it was proposed, as no rule that goes on changes a type.
 */
export function decide<Facts, Effect>(
  rules: readonly Rule<Facts, Effect>[],
  transition: Transition,
  facts: Facts,
): Decision<Effect> {
  const { initial } = transition;
  const from = initial?.type ?? null;
  const effects: Effect[] = [];
  let { proposed } = transition;
  for (const rule of rules) {
    if (rule.from?.has(from) === false || rule.to?.has(proposed.type) === false) continue;
    const outcome = rule.judge({ initial, proposed }, facts);
    if (outcome === undefined) continue;
    if (outcome.kind === "reject") return { ...outcome, effects: outcome.effects ?? [] };
    if (outcome.kind !== "go-on") return outcome;
    proposed = outcome.state ?? proposed;
    if (outcome.effects) effects.push(...outcome.effects);
  }
  return { kind: "accept", state: proposed, effects };
}

/** The state with some of its details set; null, which says nothing, is taken out. */
export function withDetails(state: RunState, details: RunState["details"]): RunState {
  const entries = Object.entries({ ...state.details, ...details });
  return { ...state, details: Object.fromEntries(entries.filter(([, value]) => value !== null)) };
}
