/** Rules that flow runs and task runs have in common. */
import type { StateType } from "../../wire/state-types.ts";
import { isoToMicros } from "../../wire/timestamp.ts";
import { withDetails, type Rule } from "./decision.ts";

/** What these rules must know. */
interface SharedFacts {
  readonly nowUs: number;
}

/** SCHEDULED → PENDING keeps the scheduled time unless a new one is proposed. */
export const copyScheduledTime: Rule<SharedFacts, never> = {
  name: "CopyScheduledTime",
  from: new Set<StateType>(["SCHEDULED"]),
  to: new Set<StateType>(["PENDING"]),
  judge: ({ initial, proposed }) => {
    const scheduled = initial?.details.scheduled_time;
    if (proposed.details.scheduled_time || !scheduled) return undefined;
    return { kind: "go-on", state: withDetails(proposed, { scheduled_time: scheduled }) };
  },
};

/** SCHEDULED or PENDING → RUNNING waits until the scheduled time, by the clock of whoever decides; whole seconds, as the wire wants. */
export const waitForScheduledTime: Rule<SharedFacts, never> = {
  name: "WaitForScheduledTime",
  from: new Set<StateType>(["SCHEDULED", "PENDING"]),
  to: new Set<StateType>(["RUNNING"]),
  judge: ({ initial }, facts) => {
    const scheduledUs = isoToMicros(initial?.details.scheduled_time ?? "");
    if (scheduledUs === undefined) return undefined;
    const delaySeconds = Math.round((scheduledUs - facts.nowUs) / 1e6);
    return delaySeconds > 0 ? { kind: "wait", delaySeconds, reason: "Scheduled time is in the future" } : undefined;
  },
};

/** PENDING is entered once: of two submitters of one run, one is refused. A PENDING state may still change its name (Submitting …). */
export const preventPendingTransitions: Rule<SharedFacts, never> = {
  name: "PreventPendingTransitions",
  from: new Set<StateType>(["PENDING", "RUNNING", "CANCELLING", "CANCELLED"]),
  to: new Set<StateType>(["PENDING"]),
  judge: ({ initial, proposed }) => {
    if (initial === null) return undefined;
    if (initial.type === "PENDING" && proposed.name !== initial.name && proposed.name !== "Pending") {
      const { scheduled_time = null, deployment_concurrency_lease_id = null } = initial.details;
      return { kind: "go-on", state: withDetails(proposed, { scheduled_time, deployment_concurrency_lease_id }) };
    }
    const reason = `This run is in a ${initial.type} state and cannot transition to a PENDING state.`;
    return { kind: "abort", reason };
  },
};
