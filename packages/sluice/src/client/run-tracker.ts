import { SluiceError } from "../wire/errors.ts";
import type { RecordVerdict, RunRecord, RunRecordReply } from "../wire/run-record.ts";
import { OpenList, type Openable } from "./open-list.ts";
import type { Transport } from "./transport.ts";

/**
 * Takes run records and log lines to the store in batches.
 *
 * A run is *opened* when it begins and *changed* at each transition; what it has to report is asked for when a batch is cut, so a run that ends before then costs
 * one record. Invariants:
 * 1. One batch of records is under way at a time, so records of a run arrive in order. A batch that is not answered is sent again (records are idempotent).
 * 2. A batch is cut when {@link BATCH_RECORDS} runs have ended (only ended runs go into it), after {@link FLUSH_MS} (runs that are still open are announced),
 *    and at once when somebody waits for an acknowledgement.
 * 3. Producers wait while more than {@link MAX_UNACKNOWLEDGED} ended runs are unacknowledged (`room`).
 * 4. `acknowledged` and `flush` resolve when the store has answered for all that was handed over before.
 * 5. A batch that fails for a reason that may pass (a full disk, a server that is away) is kept and sent again every {@link RETRY_MS}. Once that has gone on
 *    for the patience, the tracker is *in trouble*: whoever waits, or would wait, gets the error at once, so that nothing hangs; sending goes on, without
 *    keeping the process alive, and the first answer ends the trouble.
 */
const BATCH_RECORDS = 1000;
const FLUSH_MS = 50;
const MAX_UNACKNOWLEDGED = 3000;
/** A batch of logs is cut at this many lines. */
const BATCH_LOGS = 2000;
/** Wait before a refused batch (a full disk, an overloaded server) is sent again. */
const RETRY_MS = 1000;
/** How long a failure that may pass is waited out before whoever waits hears of it. */
const DEFAULT_PATIENCE_MS = 30_000;

/** A run that has something to report. */
export interface RecordSource extends Openable {
  readonly id: string;
  takeRecord(): RunRecord | undefined;
  readonly isFinal: boolean;
  onVerdict(verdict: RecordVerdict): void;
}

export interface RunTrackerOptions {
  readonly transport: Transport;
  /** Owner of the runs that are reported. */
  readonly processId: string;
  /** Settles when the store can be used, and says whether it decides: the first runs wait for it. Where it can be used already, the answer itself. */
  readonly ready: Promise<StoreTraits> | StoreTraits;
  /** Milliseconds that a failure which may pass is waited out. Default 30,000. */
  readonly patienceMs?: number;
  /** Told once of each kind of trouble that delays or loses records, in a sentence for the user. */
  readonly onTrouble: (message: string) => void;
}

/** What a tracker must know of the store. */
export interface StoreTraits {
  /** See `Tracker.decides` of the engine. */
  readonly decides: boolean;
}

interface Waiter {
  /** Number of the batch whose answer covers what is waited for. */
  readonly batch: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class RunTracker {
  private readonly options: RunTrackerOptions;
  /** Runs with something to report that have not ended. */
  private readonly openRuns = new OpenList<RecordSource>();
  /** Records of ended runs, as JSON: one string outlives a garbage collection more cheaply than the run's objects. */
  private ended: string[] = [];
  /** Flow runs, and runs reported "after the latest", among `ended`: those that may get a verdict. */
  private judged: RecordSource[] = [];
  private logs: string[] = [];
  private readonly cancelListeners = new Set<(runId: string) => void>();
  private timer: NodeJS.Timeout | undefined;
  private pumping = false;
  private cutPlanned = false;
  private unacknowledged = 0;
  private notReady = false;
  private storeDecides = false;
  private roomPromise: Promise<void> | undefined;
  private roomWait: PromiseWithResolvers<void> | undefined;
  /** Why the store cannot be told, while the patience is used up. */
  private trouble: SluiceError | undefined;
  /** Batches cut so far, and answered so far. */
  private cut = 0;
  private answered = 0;
  private flushWanted = false;
  private announcedMs = performance.now();
  private waiters: Waiter[] = [];
  private readonly told = new Set<string>();

  constructor(options: RunTrackerOptions) {
    this.options = options;
    if ("then" in options.ready) this.awaitReady(options.ready);
    else this.storeDecides = options.ready.decides;
  }

  get decides(): boolean {
    return this.storeDecides;
  }

  private awaitReady(ready: Promise<StoreTraits>): void {
    this.roomPromise = ready.then(() => undefined);
    // Whoever waits for room hears of a failure.
    this.roomPromise.catch(() => undefined);
    this.notReady = true;
    ready.then(
      ({ decides }) => {
        this.storeDecides = decides;
        this.notReady = false;
        this.roomPromise = undefined;
      },
      () => undefined, // `room` keeps giving the rejection to every run that starts
    );
  }

  opened(run: RecordSource): void {
    this.openRuns.add(run);
    this.arm();
  }

  changed(run: RecordSource): void {
    if (!run.isFinal) {
      this.opened(run);
      return;
    }
    this.openRuns.delete(run);
    const record = run.takeRecord();
    if (record === undefined) return;
    this.ended.push(JSON.stringify(record));
    if (record.kind === "flow" || record.base === "latest") this.judged.push(run);
    this.unacknowledged++;
    if (this.ended.length >= BATCH_RECORDS) this.pump();
    else this.arm();
  }

  log(record: object): void {
    this.logs.push(JSON.stringify(record));
    if (this.logs.length >= BATCH_LOGS) this.pump();
    else this.arm();
  }

  acknowledged(_run: RecordSource): Promise<void> {
    return this.flush();
  }

  room(): Promise<void> | undefined {
    if (this.notReady) return this.roomPromise;
    if (this.unacknowledged <= MAX_UNACKNOWLEDGED) return undefined;
    if (this.trouble !== undefined) return Promise.reject(this.trouble);
    this.roomWait ??= Promise.withResolvers();
    return this.roomWait.promise;
  }

  /** Sends everything at once; resolves when it is acknowledged. */
  flush(): Promise<void> {
    const pending = this.hasWork();
    if (!pending && this.cut === this.answered) return Promise.resolve();
    if (this.trouble !== undefined) return Promise.reject(this.trouble);
    return new Promise((resolve, reject) => {
      this.waiters.push({ batch: pending ? this.cut + 1 : this.cut, resolve, reject });
      if (!pending) return;
      this.flushWanted = true;
      // Runs that end in the same burst of microtasks share the batch.
      if (this.cutPlanned) return;
      this.cutPlanned = true;
      queueMicrotask(() => {
        this.cutPlanned = false;
        this.pump();
      });
    });
  }

  onCancelling(listener: (runId: string) => void): () => void {
    this.cancelListeners.add(listener);
    return () => this.cancelListeners.delete(listener);
  }

  /** Hands a notice of the store on: somebody has set these runs to CANCELLING. */
  noticeCancelling(runIds: readonly string[]): void {
    for (const id of runIds) for (const listener of this.cancelListeners) listener(id);
  }

  private arm(): void {
    if (this.timer !== undefined || this.pumping) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.flushWanted = true;
      this.pump();
    }, FLUSH_MS);
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.send().finally(() => {
      this.pumping = false;
      // Somebody may have asked for a flush after the last look of `send`.
      if (this.isDue()) this.pump();
      else if (this.hasWork()) this.arm();
    });
  }

  private hasWork(): boolean {
    return this.openRuns.size > 0 || this.ended.length > 0 || this.logs.length > 0;
  }

  private isDue(): boolean {
    return this.flushWanted || this.ended.length >= BATCH_RECORDS || this.logs.length >= BATCH_LOGS;
  }

  private async send(): Promise<void> {
    while (this.isDue()) {
      // A producer that fills batches without a pause must not keep open runs from being announced.
      if (performance.now() - this.announcedMs > FLUSH_MS) this.flushWanted = true;
      const batch = this.cutBatch();
      this.cut++;
      await this.deliver(batch);
      this.answered++;
      this.unacknowledged -= batch.ended;
      this.settle(this.waiters.filter((waiter) => waiter.batch <= this.answered));
      if (this.unacknowledged <= MAX_UNACKNOWLEDGED / 2) {
        this.roomWait?.resolve();
        this.roomWait = undefined;
      }
    }
  }

  private settle(done: readonly Waiter[]): void {
    if (done.length === 0) return;
    this.waiters = this.waiters.filter((waiter) => !done.includes(waiter));
    for (const waiter of done) waiter.resolve();
  }

  private cutBatch(): Batch {
    const { ended, judged, logs } = this;
    this.ended = [];
    this.judged = [];
    this.logs = [];
    const records: string[] = [];
    if (this.flushWanted) {
      // What was opened first is told first, and open runs before ended ones: a parent before its children.
      for (const run of this.openRuns) {
        const record = run.takeRecord();
        if (record === undefined) continue;
        records.push(JSON.stringify(record));
        judged.push(run);
      }
      this.openRuns.clear();
      this.announcedMs = performance.now();
    }
    this.flushWanted = false;
    return { judged, records: records.length === 0 ? ended : records.concat(ended), logs, ended: ended.length };
  }

  private async deliver(batch: Batch): Promise<void> {
    const head = `{"process_id":${JSON.stringify(this.options.processId)},"records":[`;
    for (let from = 0; from < batch.records.length; from += BATCH_RECORDS) {
      const body = `${head}${batch.records.slice(from, from + BATCH_RECORDS).join(",")}]}`;
      const answer = await this.post("/api/sluice/run-records", body);
      if (answer !== undefined) this.judge(answer, batch.judged);
    }
    for (let from = 0; from < batch.logs.length; from += BATCH_LOGS) {
      await this.post("/api/logs/", `[${batch.logs.slice(from, from + BATCH_LOGS).join(",")}]`);
    }
  }

  private judge(answer: string, sources: readonly RecordSource[]): void {
    let reply: RunRecordReply;
    try {
      // The store of the same version answers; the route's schema is the contract between them.
      reply = JSON.parse(answer) as RunRecordReply;
    } catch (cause) {
      const message = `Expected the store's verdicts as JSON, got ${JSON.stringify(answer.slice(0, 200))}. Is SLUICE_API_URL the API of a Sluice server?`;
      this.tell(message);
      this.rejectWaiters(new SluiceError("SLUICE_API_REFUSED", message, { cause }));
      return;
    }
    for (const verdict of reply.verdicts) sources.find((source) => source.id === verdict.id)?.onVerdict(verdict);
  }

  /** Posts until it is answered; undefined when the store refuses the body for good. */
  private async post(path: string, body: string): Promise<string | undefined> {
    const { patienceMs = DEFAULT_PATIENCE_MS } = this.options;
    const startedMs = performance.now();
    for (;;) {
      const posted = await this.tryPost(path, body);
      if ("body" in posted) {
        this.trouble = undefined;
        return posted.body;
      }
      this.tell(posted.message);
      if (!posted.passing) {
        this.rejectWaiters(new SluiceError("SLUICE_API_REFUSED", posted.message));
        return undefined;
      }
      if (performance.now() - startedMs >= patienceMs) this.giveUp(new SluiceError(posted.code, posted.message));
      await this.untilRetry();
    }
  }

  private giveUp(trouble: SluiceError): void {
    this.trouble = trouble;
    this.rejectWaiters(trouble);
    this.roomWait?.reject(trouble);
    this.roomWait = undefined;
  }

  private untilRetry(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      if (this.trouble !== undefined) timer.unref();
    });
  }

  private async tryPost(path: string, body: string): Promise<Posted> {
    try {
      const { status, body: answer } = await this.options.transport.send({ method: "POST", path, body });
      if (status < 300) return { body: answer };
      const passing = status >= 500 || status === 429 || status === 408;
      const code = answer.includes("SLUICE_DISK_FULL") ? "SLUICE_DISK_FULL" : "SLUICE_API_UNREACHABLE";
      return { passing, code, message: `The store answered ${status} to ${path}: ${detailOf(answer)}` };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { passing: true, code: "SLUICE_API_UNREACHABLE", message };
    }
  }

  private tell(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.options.onTrouble(message);
  }

  /** Tells those who wait for what was sent so far that it cannot be acknowledged. */
  private rejectWaiters(error: Error): void {
    const { waiters } = this;
    this.waiters = this.trouble === undefined ? waiters.filter((waiter) => waiter.batch > this.cut) : [];
    for (const waiter of waiters) if (!this.waiters.includes(waiter)) waiter.reject(error);
  }
}

interface Batch {
  readonly judged: readonly RecordSource[];
  readonly records: readonly string[];
  readonly logs: readonly string[];
  readonly ended: number;
}

type Posted =
  | { readonly body: string }
  | {
      readonly passing: boolean;
      readonly code: "SLUICE_DISK_FULL" | "SLUICE_API_UNREACHABLE";
      readonly message: string;
    };

/** What an answer says to people: the contract's `detail`, else its beginning. */
function detailOf(answer: string): string {
  const [, detail] = /"detail":("(?:[^"\\]|\\.)*")/.exec(answer) ?? [];
  return detail === undefined ? answer.slice(0, 500) : (JSON.parse(detail) as string); // the match is a JSON text
}
