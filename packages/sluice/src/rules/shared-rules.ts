import { isoToMicros } from "../wire/timestamp.ts";
import type { RuleOutcome, Transition } from "./decision.ts";

/** SCHEDULED → PENDING keeps the scheduled time unless a new one is proposed. */
export function copyScheduledTime({ initial, proposed }: Transition): RuleOutcome {
  if (initial?.type !== "SCHEDULED" || proposed.type !== "PENDING") return undefined;
  if (proposed.details.scheduled_time || !initial.details.scheduled_time) return undefined;
  return {
    kind: "change",
    state: { ...proposed, details: { ...proposed.details, scheduled_time: initial.details.scheduled_time } },
  };
}

/** SCHEDULED or PENDING → RUNNING waits until the scheduled time, by the clock of whoever decides; whole seconds, as the wire wants. */
export function waitForScheduledTime(
  { initial, proposed }: Transition,
  facts: { readonly nowUs: number },
): RuleOutcome {
  if ((initial?.type !== "SCHEDULED" && initial?.type !== "PENDING") || proposed.type !== "RUNNING") return undefined;
  const scheduledUs = initial.details.scheduled_time ? isoToMicros(initial.details.scheduled_time) : undefined;
  if (scheduledUs === undefined) return undefined;
  const delaySeconds = Math.round((scheduledUs - facts.nowUs) / 1e6);
  return delaySeconds > 0 ? { kind: "wait", delaySeconds, reason: "Scheduled time is in the future" } : undefined;
}

/** PENDING is entered once: of two submitters of one run, one is refused. A PENDING state may still change its name (Submitting …). */
export function preventPendingTransitions({ initial, proposed }: Transition): RuleOutcome {
  if (proposed.type !== "PENDING" || initial === null) return undefined;
  if (
    initial.type !== "PENDING" &&
    initial.type !== "RUNNING" &&
    initial.type !== "CANCELLING" &&
    initial.type !== "CANCELLED"
  )
    return undefined;
  if (initial.type === "PENDING" && proposed.name !== initial.name && proposed.name !== "Pending") {
    const { scheduled_time, deployment_concurrency_lease_id } = initial.details;
    const carried = {
      scheduled_time: scheduled_time ?? null,
      deployment_concurrency_lease_id: deployment_concurrency_lease_id ?? null,
    };
    return { kind: "change", state: { ...proposed, details: { ...proposed.details, ...carried } } };
  }
  return { kind: "abort", reason: `This run is in a ${initial.type} state and cannot transition to a PENDING state.` };
}
