/** Pauses: a run that is PAUSED keeps its process and waits; a Suspended one (`pause_reschedule`) has ended its process and is scheduled again. */
import { isFinalStateType, type StateType } from "../../wire/state-types.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import { runState } from "../run-state.ts";
import type { FlowEffect, FlowRule } from "./flow-facts.ts";

/** A pause is fired once by its key; only a running run can pause, only one of a deployment, and no subflow, can suspend. */
export const handlePausing: FlowRule = {
  name: "HandlePausingFlows",
  to: new Set<StateType>(["PAUSED"]),
  judge: ({ initial, proposed }, facts) => {
    const verb = proposed.name === "Suspended" ? "suspend" : "pause";
    if (initial === null) return { kind: "abort", reason: `Cannot ${verb} flows with no state.` };
    if (initial.type !== "RUNNING")
      return { kind: "reject", state: null, reason: `Cannot ${verb} flows that are not currently running.` };
    const key = proposed.details.pause_key ?? facts.newPauseKey;
    if (facts.pauseKeys.includes(key))
      return { kind: "reject", state: null, reason: `This ${verb} has already fired.` };
    if (proposed.details.pause_reschedule === true && facts.isSubflow)
      return { kind: "abort", reason: `Cannot ${verb} subflows.` };
    if (proposed.details.pause_reschedule === true && !facts.isDeployed)
      return { kind: "abort", reason: `Cannot ${verb} flows without a deployment.` };
    const patch = { pause_keys: [...facts.pauseKeys, key] };
    return { kind: "go-on", effects: [{ kind: "patch-policy", patch, when: "after" }] };
  },
};

/** Marked after the state is written, and also when the run stays where it is: Prefect 3.8.8 does so, and clients read the mark. */
const RESUMING: readonly FlowEffect[] = [{ kind: "patch-policy", patch: { resuming: true }, when: "after" }];

/** PAUSED is left for RUNNING, SCHEDULED, CANCELLING or an end; a pause whose time is up for FAILED. */
export const handleResuming: FlowRule = {
  name: "HandleResumingPausedFlows",
  from: new Set<StateType>(["PAUSED"]),
  judge: ({ initial, proposed }, facts) => {
    if (initial === null) return undefined;
    if (!isWayOut(proposed.type)) {
      const reason = `This run cannot transition to the StateType.${proposed.type} state from the StateType.PAUSED state.`;
      return { kind: "reject", state: null, reason, effects: RESUMING };
    }
    const shown = proposed.name.toLowerCase();
    if (initial.details.pause_reschedule === true && !facts.isDeployed) {
      const reason = `Cannot reschedule a ${shown} flow run without a deployment.`;
      return { kind: "reject", state: null, reason, effects: RESUMING };
    }
    // The process of a pause lives: a cancel must reach it even when the pause's time is up.
    if (proposed.type === "CANCELLING") return { kind: "go-on", effects: RESUMING };
    const timeoutUs = isoToMicros(initial.details.pause_timeout ?? "");
    if (timeoutUs === undefined || timeoutUs >= facts.nowUs) return { kind: "go-on", effects: RESUMING };
    const verb = proposed.name === "Suspended" ? "suspend" : "pause";
    return {
      kind: "reject",
      state: runState("FAILED", facts.nowUs, { message: `The flow was ${shown} and never resumed.` }),
      reason: `The flow run ${verb} has timed out and can no longer resume.`,
      effects: RESUMING,
    };
  },
};

function isWayOut(type: StateType): boolean {
  return type === "RUNNING" || type === "SCHEDULED" || type === "CANCELLING" || isFinalStateType(type);
}
