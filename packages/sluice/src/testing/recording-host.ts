import type { Transport } from "../client/transport.ts";
import { systemClock } from "../engine/clock.ts";
import { setHost, type EngineHost, type EngineSettings } from "../engine/host.ts";
import { TagLimits } from "../engine/store/tag-slots.ts";
import type { Clock, LogRecord, ResultStore, StoredResult, TrackedRun, Tracker } from "../engine/ports.ts";
import type { RunRecord } from "../wire/run-record.ts";

/** What a run has reported, all records put together. */
export interface RecordedRun {
  readonly id: string;
  readonly kind: "flow" | "task";
  readonly run: NonNullable<RunRecord["run"]>;
  readonly transitions: RunRecord["transitions"][number][];
}

/** A tracker that keeps what it is told, and acknowledges at once. */
export class RecordingTracker implements Tracker {
  readonly decides: boolean = false;
  readonly logs: LogRecord[] = [];
  private readonly touched = new Set<TrackedRun>();
  private readonly runs = new Map<string, RecordedRun>();

  opened(run: TrackedRun): void {
    this.touched.add(run);
  }

  changed(run: TrackedRun): void {
    this.touched.add(run);
  }

  acknowledged(run: TrackedRun): Promise<void> {
    this.take(run);
    return Promise.resolve();
  }

  room(): undefined {
    return undefined;
  }

  log(record: LogRecord): void {
    this.logs.push(record);
  }

  flush(): Promise<void> {
    for (const run of this.touched) this.take(run);
    return Promise.resolve();
  }

  onCancelling(): () => void {
    return () => undefined;
  }

  /** All runs reported so far, in the order in which they were first reported. */
  recorded(): readonly RecordedRun[] {
    void this.flush();
    return [...this.runs.values()];
  }

  /** Names of the states that the runs of this name went through. */
  stateNames(runName: string): readonly string[] {
    const run = this.recorded().find((recorded) => recorded.run.name === runName);
    return run?.transitions.map(([, name]) => name) ?? [];
  }

  private take(run: TrackedRun): void {
    const record = run.takeRecord();
    if (record === undefined) return;
    const known = this.runs.get(record.id);
    if (known !== undefined) known.transitions.push(...record.transitions);
    else if (record.run !== undefined) {
      this.runs.set(record.id, {
        id: record.id,
        kind: record.kind,
        run: record.run,
        transitions: [...record.transitions],
      });
    }
  }
}

/** A result store in memory. */
export class MemoryResultStore implements ResultStore {
  readonly stored = new Map<string, StoredResult>();

  read(key: string): Promise<StoredResult | undefined> {
    return Promise.resolve(this.stored.get(key));
  }

  write(key: string, result: StoredResult): Promise<void> {
    this.stored.set(key, result);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.stored.delete(key);
    return Promise.resolve();
  }
}

const noTransport: Transport = {
  send: () => Promise.reject(new Error("A recording host has no server.")),
  close: () => Promise.resolve(),
};

const noLimits: Transport = {
  send: () => Promise.resolve({ status: 404, body: "" }),
  close: () => Promise.resolve(),
};

/** An engine host without a store: what the engine reports is kept for tests to look at. */
export interface RecordingHost extends EngineHost {
  readonly tracker: RecordingTracker;
  readonly memory: MemoryResultStore;
}

/**
 * Installs a recording host as this process's host, so that flows and tasks run without a home.
 *
 * @returns the host; `[Symbol.dispose]` takes it out again
 */
export function useRecordingHost(
  options: { clock?: Clock; settings?: Partial<EngineSettings> } = {},
): RecordingHost & Disposable {
  const memory = new MemoryResultStore();
  const host: RecordingHost = {
    processId: "00000000-0000-7000-8000-000000000000",
    tracker: new RecordingTracker(),
    clock: options.clock ?? systemClock,
    memory,
    results: () => memory,
    transport: noTransport,
    tagLimits: new TagLimits(noLimits),
    settings: {
      loggingLevel: 20,
      logPrints: false,
      persistResultsByDefault: false,
      consoleLevel: 100,
      progress: "off",
      ...options.settings,
    },
    live: new Map(),
    attach: (runner) => runner,
  };
  setHost(host);
  return Object.assign(host, { [Symbol.dispose]: () => setHost(undefined) });
}
