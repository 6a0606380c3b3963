import type { RunRecord } from "../../wire/run-record.ts";
import type { LogRecord, TrackedRun, Tracker } from "../ports.ts";

/** Milliseconds after which a run reports for itself: by then others want to see how it goes. */
const SELF_AFTER_MS = 500;

/**
 * The tracker of a run whose near side hands its record on, with those of many others: a short run then costs its node no request of its own.
 *
 * It keeps what the run reports until the run is over ({@link RelayTracker.takeRecord}) or 500 ms have passed, from when on the run reports as any other. All other runs
 * of the process, those inside it too, are not touched.
 */
export class RelayTracker implements Tracker {
  private readonly inner: Tracker;
  private readonly runId: string;
  private kept: TrackedRun | undefined;
  private readonly timer: NodeJS.Timeout;
  private isRelayed = true;

  constructor(inner: Tracker, runId: string) {
    this.inner = inner;
    this.runId = runId;
    this.timer = setTimeout(() => this.reportItself(), SELF_AFTER_MS);
  }

  get decides(): boolean {
    return this.inner.decides;
  }

  opened(run: TrackedRun): void {
    if (this.isKept(run)) this.kept = run;
    else this.inner.opened(run);
  }

  changed(run: TrackedRun): void {
    if (this.isKept(run)) this.kept = run;
    else this.inner.changed(run);
  }

  acknowledged(run: TrackedRun): Promise<void> {
    return this.isKept(run) ? this.inner.flush() : this.inner.acknowledged(run);
  }

  room(): Promise<void> | undefined {
    return this.inner.room();
  }

  log(record: LogRecord): void {
    this.inner.log(record);
  }

  flush(): Promise<void> {
    return this.inner.flush();
  }

  onCancelling(listener: (runId: string) => void): () => void {
    return this.inner.onCancelling(listener);
  }

  /** What the run has to report at its end; undefined when it has reported itself. */
  takeRecord(): RunRecord | undefined {
    clearTimeout(this.timer);
    return this.isRelayed ? this.kept?.takeRecord() : undefined;
  }

  private isKept(run: TrackedRun): boolean {
    return this.isRelayed && run.id === this.runId;
  }

  private reportItself(): void {
    // One that is over is being handed on.
    if (this.kept?.isFinal === true) return;
    this.isRelayed = false;
    if (this.kept !== undefined) this.inner.opened(this.kept);
  }
}
