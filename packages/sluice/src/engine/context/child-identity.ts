import { hashArguments } from "../values/canonical-hash.ts";
import type { Definition } from "../definition.ts";
import type { FinishedChild, FlowScope } from "./frame.ts";
import { logLine, LOG_LEVELS } from "./run-logger.ts";

/**
 * Who a child run is inside its parent.
 *
 * Its key is the task key (or the flow's name) + the hash of its arguments, or the user's `key`, + its occurrence among identical calls. Order of calls with
 * different arguments plays no part, so a retried parent whose branches race finds each finished child again and never another's.
 */
export interface ChildIdentity {
  readonly dynamicKey: string;
  /** The same child, finished in an earlier attempt of the parent. */
  readonly finished: FinishedChild | undefined;
  /** False when the arguments cannot be compared by value: the child runs normally and is never adopted. */
  readonly adoptable: boolean;
}

/** Fixes the identity of a call; called once for each call, in the order of calls, when its arguments are known. */
export function identifyChild(
  scope: FlowScope,
  childKey: string,
  call: { readonly definition: Definition; readonly args: readonly unknown[]; readonly runId: string },
): ChildIdentity {
  const own = userKey(call.definition, call.args) ?? hashArguments(call.args);
  if (own === undefined) {
    warnUnhashable(scope, call.definition);
    return { dynamicKey: call.runId, finished: undefined, adoptable: false };
  }
  const occurrence = scope.occurrence(`${childKey}:${own}`);
  // A key that ends like a numbered one is numbered from 0, or "a-1" could be the second "a" or the first "a-1".
  const dynamicKey = occurrence === 0 && !NUMBERED.test(own) ? own : `${own}-${occurrence}`;
  return { dynamicKey, finished: scope.journal?.get(journalKey(childKey, dynamicKey)), adoptable: true };
}

const NUMBERED = /-\d+$/;

/** Remembers a finished child for a later attempt of the parent, where there may be one. */
export function rememberChild(
  scope: FlowScope,
  identity: { readonly childKey: string; readonly child: ChildIdentity },
  finished: FinishedChild,
): void {
  if (scope.finished === null || !identity.child.adoptable) return;
  scope.finished.set(journalKey(identity.childKey, identity.child.dynamicKey), finished);
}

/** Forgets a finished child whose effects were undone: a later attempt runs it again. */
export function forgetChild(
  scope: FlowScope,
  identity: { readonly childKey: string; readonly child: ChildIdentity },
  runId: string,
): void {
  const key = journalKey(identity.childKey, identity.child.dynamicKey);
  if (scope.finished?.get(key)?.runId === runId) scope.finished.delete(key);
  if (scope.journal?.get(key)?.runId === runId) scope.journal.delete(key);
}

/** The value that a call of a finished child gives; undefined when it was kept and is there no more, so that the child runs again. */
export async function adoptedValue(finished: FinishedChild): Promise<{ readonly value: unknown } | undefined> {
  return finished.stored === undefined ? { value: finished.value } : finished.stored();
}

/** Key of a child in the journal of its parent. */
export function journalKey(childKey: string, dynamicKey: string): string {
  return `${childKey}\n${dynamicKey}`;
}

function userKey(definition: Definition, args: readonly unknown[]): string | undefined {
  const { key } = definition.options;
  if (key === undefined || typeof key === "string") return key;
  // The option's type hides the parameters, which are those of the task that it was given to.
  return (key as (...args: readonly unknown[]) => string)(...args);
}

const warned = new WeakSet<Definition>();

function warnUnhashable(scope: FlowScope, definition: Definition): void {
  const durable = scope.finished !== null;
  if (!durable || warned.has(definition) || scope.frame === undefined) return;
  warned.add(definition);
  logLine(
    scope.frame,
    LOG_LEVELS.warning,
    `Arguments of ${definition.kind} "${definition.name}" cannot be compared by value (a function, a socket or the like is among them): ` +
      `its finished runs are not adopted when this flow is retried. Pass plain data, or give the option "key".`,
  );
}
