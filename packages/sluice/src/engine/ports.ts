import type { Openable } from "../client/open-list.ts";
import type { RecordVerdict, ResultReference, RunRecord } from "../wire/run-record.ts";

/** Time as the engine sees it; a simulation moves it by hand. */
export interface Clock {
  /** Microseconds since the epoch, never decreasing within a process. */
  nowUs(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A run as the tracker sees it: able to say what the store has not acknowledged yet. */
export interface TrackedRun extends Openable {
  readonly id: string;
  readonly kind: "flow" | "task";
  /** The transitions that have not been handed out, and marks them handed out; undefined when there are none. */
  takeRecord(): RunRecord | undefined;
  /** True while no record of the run was handed out. */
  readonly unannounced: boolean;
  readonly isFinal: boolean;
  /** The store's answer where it differs from what was sent. */
  onVerdict(verdict: RecordVerdict): void;
}

/** One line of a run's log, in the contract's words. */
export interface LogRecord {
  readonly name: string;
  /** Python's numbers: 10 debug, 20 info, 30 warning, 40 error, 50 critical. */
  readonly level: number;
  readonly message: string;
  /** ISO 8601 in UTC with microseconds. */
  readonly timestamp: string;
  readonly flow_run_id: string | null;
  readonly task_run_id: string | null;
}

/**
 * Takes the engine's records to the store, in batches, and tells when they are durable.
 *
 * Records of one run keep their order. Unacknowledged records are sent again until acknowledged, or spooled to disk.
 */
export interface Tracker {
  /**
   * Whether the store decides over flow runs and tag limits (a Prefect server): each transition of a flow run is then proposed and acknowledged before the run
   * goes on, the store names the run, and a task run with tags asks for its slots first. Known when `room` has let the first run pass.
   */
  readonly decides: boolean;
  /** Takes note of a run that has begun, so that it is announced if it is still open at the next flush. */
  opened(run: TrackedRun): void;
  /** Takes the run's new transitions at the next flush. */
  changed(run: TrackedRun): void;
  /** Flushes at once; resolves when all transitions of `run` made so far are acknowledged. */
  acknowledged(run: TrackedRun): Promise<void>;
  /** A promise to wait for before starting more work when the queue is full, undefined when there is room. */
  room(): Promise<void> | undefined;
  log(record: LogRecord): void;
  /** Resolves when everything handed over so far (records and logs) is acknowledged. */
  flush(): Promise<void>;
  /** Calls back when somebody asks to cancel a run that this process owns. Returns the function that ends it. */
  onCancelling(listener: (runId: string) => void): () => void;
}

/** Values of runs, kept by key. Shared by all processes of a home; implementations must write atomically (a reader sees all or nothing). */
export interface ResultStore {
  /** Resolves to undefined when there is no such key. */
  read(key: string): Promise<StoredResult | undefined>;
  write(key: string, result: StoredResult): Promise<void>;
  delete(key: string): Promise<void>;
}

export interface StoredResult {
  readonly reference: ResultReference;
  readonly body: Uint8Array;
}
