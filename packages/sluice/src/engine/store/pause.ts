import { SluiceError } from "../../wire/errors.ts";
import type { RecordVerdict } from "../../wire/run-record.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { isoToMicros, microsToIso } from "../../wire/timestamp.ts";
import type { StateType } from "../../wire/state-types.ts";
import type { Frame } from "../context/frame.ts";
import { logLine, LOG_LEVELS } from "../context/run-logger.ts";
import type { FlowRun } from "../run.ts";

/** How a body pauses its flow run. */
export interface Pause {
  /** Fires once in a run. */
  readonly key: string;
  readonly timeoutMs: number;
  /** How often the store is asked whether the run may go on. */
  readonly pollMs: number;
  /** Under which keys the run's inputs hold the schema of what is asked for, and the answer. */
  readonly keyset: Readonly<Record<"schema" | "response" | "description", string>> | undefined;
}

/**
 * Moves the flow run of a body to PAUSED, when the store agrees, and waits until somebody has moved it on. The slot of the executor is free meanwhile.
 *
 * @throws SluiceError `SLUICE_RUN_REFUSED` when the store does not let the run pause, or somebody has ended it meanwhile; `SLUICE_PAUSE_TIMED_OUT` when nobody
 *   has resumed it in time; the cancellation error when the run was asked to stop
 */
export async function pauseRun(frame: Frame, run: FlowRun, pause: Pause): Promise<void> {
  const { host, slotWaits } = frame.scope;
  // What was reported before is not to be judged again, so it goes first.
  await host.tracker.acknowledged(run);
  const untilUs = host.clock.nowUs() + pause.timeoutMs * 1000;
  const refusal = await proposePause(frame, run, { pause, untilUs });
  if (refusal === "fired-before") return;
  logLine(frame, LOG_LEVELS.info, `Paused: the run goes on when it is resumed within ${pause.timeoutMs / 1000} s`);
  const resumed = untilResumed(frame, run, { ...pause, untilUs });
  await (slotWaits === null ? resumed : slotWaits.during(resumed));
  logLine(frame, LOG_LEVELS.info, "Resumed");
}

async function proposePause(
  { scope: { host } }: Frame,
  run: FlowRun,
  { pause, untilUs }: { readonly pause: Pause; readonly untilUs: number },
): Promise<"fired-before" | undefined> {
  const details = {
    pause_timeout: microsToIso(untilUs),
    pause_key: pause.key,
    pause_reschedule: false,
    ...(pause.keyset && { run_input_keyset: pause.keyset }),
  };
  run.verdict = undefined;
  run.proposes = true;
  try {
    run.transition(host.clock.nowUs(), "PAUSED", "Paused", { details });
    host.tracker.changed(run);
    await host.tracker.acknowledged(run);
  } finally {
    run.proposes = false;
  }
  const verdict = run.verdict as RecordVerdict | undefined; // set meanwhile by the tracker
  if (verdict === undefined) return undefined;
  // The contract's words are its only sign that a pause of this key was over before.
  if (verdict.status === "REJECT" && verdict.reason.includes("already fired")) return "fired-before";
  throw new SluiceError("SLUICE_RUN_REFUSED", `Flow run "${run.name}" cannot be paused: ${verdict.reason}`);
}

/** Asks the store until the run is RUNNING again. */
async function untilResumed(
  frame: Frame,
  run: FlowRun,
  { pollMs, untilUs, timeoutMs }: Pause & { readonly untilUs: number },
): Promise<void> {
  const { host } = frame.scope;
  for (;;) {
    const leftMs = Math.max(0, (untilUs - host.clock.nowUs()) / 1000);
    // oxlint-disable-next-line no-await-in-loop -- it waits
    await host.clock.sleep(Math.min(pollMs, leftMs), frame.signal);
    // oxlint-disable-next-line no-await-in-loop -- one question after the other
    const state = await readState(frame, run);
    if (state?.type === "RUNNING") {
      run.observe("RUNNING", state.name ?? "Running", isoToMicros(state.timestamp) ?? host.clock.nowUs());
      // The resumption is a transition that is not ours.
      run.reportAfterLatest();
      return;
    }
    if (state !== undefined && (state.type === "SCHEDULED" || isFinalStateType(state.type))) {
      const story = state.message ? `: ${state.message}` : "";
      const message = `Flow run "${run.name}" was set to ${state.name ?? state.type} while it was paused${story}`;
      run.reportAfterLatest();
      frame.isEndedThere = true;
      throw new SluiceError("SLUICE_RUN_REFUSED", message);
    }
    if (host.clock.nowUs() < untilUs) continue;
    run.reportAfterLatest();
    frame.isEndedThere = true;
    const message = `Flow run "${run.name}" was paused for ${timeoutMs / 1000} s and nobody has resumed it.`;
    throw new SluiceError("SLUICE_PAUSE_TIMED_OUT", message);
  }
}

/** What is looked at of a run's state at the store. */
interface SeenState {
  readonly type: StateType;
  readonly name: string | null;
  readonly message: string | null;
  readonly timestamp: string;
}

/** The state of the run; undefined while the store cannot be asked, which a pause waits out. */
async function readState({ scope: { host } }: Frame, run: FlowRun): Promise<SeenState | undefined> {
  const path = `/api/flow_runs/${run.id}`;
  const answer = await host.transport.send({ method: "GET", path }).catch((error: unknown) => {
    if (error instanceof SluiceError && error.retryable) return undefined;
    throw error;
  });
  if (answer === undefined || answer.status >= 500 || answer.status === 429) return undefined;
  if (answer.status !== 200) {
    const message = `The server answered ${answer.status} when it was asked whether the paused flow run "${run.name}" may go on: ${answer.body.slice(0, 300)}`;
    throw new SluiceError("SLUICE_API_REFUSED", message);
  }
  // The contract's answer to this path.
  return (JSON.parse(answer.body) as { readonly state: SeenState | null }).state ?? undefined;
}
