import type { RecordVerdict } from "../../wire/run-record.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { EngineHost } from "../host.ts";
import type { FlowRun, TaskRun } from "../run.ts";

/** What the store made of the transitions that a run has just made. */
export type Answer =
  /** They are stored. */
  | { readonly kind: "agreed" }
  /** Not now: RUNNING is to be proposed after this time. */
  | { readonly kind: "later"; readonly delayMs: number; readonly reason: string }
  /** The run is where somebody else has put it: in a final state, or in CANCELLING. */
  | { readonly kind: "moved"; readonly state: RecordVerdict["state"]; readonly reason: string };

const AGREED: Answer = { kind: "agreed" };

/**
 * Reports the transitions of a run and waits for the store's answer to them.
 *
 * @throws SluiceError `SLUICE_API_REFUSED` when a store that decides lets the run neither go on nor end; what the tracker throws when the store
 *   cannot be asked
 */
export async function propose(host: EngineHost, run: FlowRun | TaskRun): Promise<Answer> {
  // An answer to earlier transitions is void once these are answered for.
  run.verdict = undefined;
  await host.tracker.acknowledged(run);
  const verdict = run.verdict as RecordVerdict | undefined; // set meanwhile by the tracker
  if (verdict === undefined) return AGREED;
  const { state, reason, delay_seconds: delaySeconds } = verdict;
  if (isFinalStateType(state.type) || state.type === "CANCELLING") return { kind: "moved", state, reason };
  if (delaySeconds !== undefined) return { kind: "later", delayMs: delaySeconds * 1000, reason };
  // The engine's own rules decide for a store that only records.
  if (!host.tracker.decides) return AGREED;
  throw new SluiceError("SLUICE_API_REFUSED", `The server does not let ${run.kind} run "${run.name}" go on: ${reason}`);
}

/**
 * Announces a new run to a store that decides, which may give it another id.
 *
 * The run is known under its id in `host.live` when this resolves, as it was before.
 */
export async function announce(
  host: EngineHost,
  run: FlowRun | TaskRun,
  live: { cancelledElsewhere(reason: Error): void },
): Promise<Answer> {
  const { id } = run;
  const answer = await propose(host, run);
  host.live.delete(id);
  host.live.set(run.id, live);
  return answer;
}
