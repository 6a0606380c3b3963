import { noTotals, type RunTotals } from "../../rules/run-totals.ts";
import type { StateType } from "../../wire/state-types.ts";

/** The columns that flow runs and task runs share: what is repeated of the newest transition, and the totals. */
export interface RunColumns {
  readonly id: string;
  readonly name: string;
  readonly state_type: StateType | null;
  readonly state_name: string | null;
  readonly state_timestamp: number | null;
  readonly start_time: number | null;
  readonly end_time: number | null;
  readonly expected_start_time: number | null;
  readonly next_scheduled_start_time: number | null;
  readonly run_count: number;
  /** Microseconds. */
  readonly total_run_time: number;
  /** JSON array of stored transitions. */
  readonly transitions: string;
  readonly process_id: string | null;
  readonly created: number;
}

/** Reads the totals of a run from its row. */
export function totalsOf(row: RunColumns): RunTotals {
  return {
    stateType: row.state_type,
    stateTimestampUs: row.state_timestamp ?? 0,
    startUs: row.start_time,
    endUs: row.end_time,
    expectedStartUs: row.expected_start_time,
    nextScheduledStartUs: row.next_scheduled_start_time,
    runCount: row.run_count,
    totalRunTimeUs: row.total_run_time,
  };
}

/** What a change of a run's history writes. */
export interface HistoryChange {
  readonly stateName: string;
  /** Encoded transitions, all of them. */
  readonly transitions: string;
  readonly totals: RunTotals;
}

/** The history that a run is stored with; no state name when it is empty. */
export interface NewHistory {
  readonly stateName: string | null;
  /** Encoded transitions. */
  readonly transitions: string;
  readonly totals: RunTotals;
}

/** The history of a run that has no state yet. */
export function noHistory(): NewHistory {
  return { stateName: null, transitions: "[]", totals: noTotals() };
}
