import { isoToMicros } from "../wire/timestamp.ts";
import { isFinalStateType, type StateType } from "../wire/state-types.ts";

/** What is kept of a run's history beside its states. All times are microseconds since the epoch, durations microseconds. */
export interface RunTotals {
  stateType: StateType | null;
  stateTimestampUs: number;
  startUs: number | null;
  endUs: number | null;
  expectedStartUs: number | null;
  nextScheduledStartUs: number | null;
  runCount: number;
  totalRunTimeUs: number;
}

/** The totals of a run that has no state yet. */
export function noTotals(): RunTotals {
  return {
    stateType: null,
    stateTimestampUs: 0,
    startUs: null,
    endUs: null,
    expectedStartUs: null,
    nextScheduledStartUs: null,
    runCount: 0,
    totalRunTimeUs: 0,
  };
}

/** A transition, as records and rows write it. */
export type HistoryEntry = readonly [
  type: StateType,
  name: string,
  timestampUs: number,
  message?: string | null,
  data?: unknown,
  details?: Readonly<Record<string, unknown>> | null,
  ...rest: readonly unknown[],
];

/**
 * Adds one transition to a run's totals, in place.
 *
 * The first RUNNING is the start, a final state the end (and the start of a run that never ran), leaving a final state clears the end; time is
 * counted from each RUNNING to the transition after it; every RUNNING counts as one run unless the run resumes from a pause.
 */
export function addTransition(totals: RunTotals, transition: HistoryEntry, resuming = false): void {
  const [type, , timestampUs, , , details] = transition;
  const wasFinal = totals.stateType !== null && isFinalStateType(totals.stateType);
  const isFinal = isFinalStateType(type);
  if (type === "RUNNING") {
    if (totals.startUs === null) totals.startUs = timestampUs;
    if (!resuming) totals.runCount++;
  }
  if (wasFinal && !isFinal) totals.endUs = null;
  if (isFinal && totals.endUs === null) {
    if (totals.startUs === null) totals.startUs = timestampUs;
    totals.endUs = timestampUs;
  }
  if (totals.stateType === "RUNNING") totals.totalRunTimeUs += Math.max(0, timestampUs - totals.stateTimestampUs);
  const scheduled = type === "SCHEDULED" ? details?.["scheduled_time"] : undefined;
  const scheduledUs = typeof scheduled === "string" ? (isoToMicros(scheduled) ?? null) : null;
  if (totals.expectedStartUs === null) totals.expectedStartUs = scheduledUs ?? timestampUs;
  totals.nextScheduledStartUs = scheduledUs;
  totals.stateType = type;
  totals.stateTimestampUs = timestampUs;
}
