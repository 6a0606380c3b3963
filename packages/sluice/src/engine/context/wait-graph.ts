import { SluiceError } from "../../wire/errors.ts";
import type { Frame } from "./frame.ts";

/**
 * Knows which runs wait for which, so that a circle is an error at once and not a program that never ends.
 *
 * A run waits for the futures that its body awaits, and a flow run waits, at its end at the latest, for all its children: so a body that awaits a future of
 * its own run or of a run above it waits for ever, as do two bodies that await each other.
 */
const waits = new Map<string, Set<string>>();

/**
 * Notes that the body of `frame` waits for a run. Returns the function that ends the note.
 *
 * @throws SluiceError SLUICE_CIRCULAR_FUTURE when that run, directly or through others, waits for this one
 */
export function beginWait(frame: Frame, target: { readonly id: string; readonly name: string }): () => void {
  const waiter = frame.run.id;
  if (isAncestor(frame, target.id) || leadsTo(target.id, waiter, new Set())) {
    throw new SluiceError(
      "SLUICE_CIRCULAR_FUTURE",
      `Run "${frame.run.name}" awaits the future of run "${target.name}", which itself waits for "${frame.run.name}": neither could ever end. ` +
        `Pass the value that is needed as an argument instead of the future.`,
    );
  }
  let targets = waits.get(waiter);
  if (targets === undefined) waits.set(waiter, (targets = new Set()));
  targets.add(target.id);
  return () => {
    targets.delete(target.id);
    if (targets.size === 0) waits.delete(waiter);
  };
}

function isAncestor(frame: Frame, id: string): boolean {
  if (frame.run.id === id) return true;
  for (let scope: Frame["scope"] | null = frame.scope; scope !== null; scope = scope.parent) {
    if (scope.flowRun?.id === id) return true;
  }
  return false;
}

function leadsTo(from: string, to: string, seen: Set<string>): boolean {
  if (seen.has(from)) return false;
  seen.add(from);
  for (const next of waits.get(from) ?? []) if (next === to || leadsTo(next, to, seen)) return true;
  return false;
}
