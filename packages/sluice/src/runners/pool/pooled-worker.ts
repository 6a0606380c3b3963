import { Timer } from "../../engine/timer.ts";
import { fromWireError } from "../../engine/values/wire-error.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { RunEnd, WireError } from "../../wire/run-spec.ts";
import type { FarMessage } from "../messages.ts";
import { crashedEnd, notSerializable, timedOutEnd } from "../run-end.ts";
import type { SlotLedger } from "../slot-ledger.ts";
import type { Body } from "./body.ts";
import type { Executor, ExecutorExit, StartExecutor } from "./executor.ts";
import { NestedRequests } from "./nested-requests.ts";

/**
 * One worker of a pool: its executor, and the bodies that it holds.
 *
 * `starting` (until the far side says `ready`) → `open` → `closing` (asked to end, takes no body) → `gone`. An executor that does not become ready within the limit
 * is terminated. Whatever ends it, each body that it still holds gets its end here: as decided by who terminated it, else crashed.
 */
export interface WorkerOwner {
  readonly ledger: SlotLedger;
  /** A body has ended or made room: the worker may be idle. */
  onChanged(worker: PooledWorker): void;
  onGone(worker: PooledWorker): void;
}

const START_LIMIT_MS = 30_000;
/** How long a far side may take to send what is unsent when the pool lets it go. */
const SHUTDOWN_LIMIT_MS = 5_000;

export class PooledWorker {
  readonly bodies = new Map<number, Body>();
  state: "starting" | "open" | "closing" | "gone" = "starting";
  idleTimer: NodeJS.Timeout | undefined;
  readonly #owner: WorkerOwner;
  readonly #executor: Executor;
  readonly #nested: NestedRequests;
  readonly #gone = Promise.withResolvers<void>();
  #startTimer: NodeJS.Timeout | undefined;
  #startError: Error | undefined;
  /** What the far side said of itself before it exited. */
  #crash: WireError | undefined;

  constructor(owner: WorkerOwner, start: StartExecutor) {
    this.#owner = owner;
    this.#nested = new NestedRequests((message) => this.#executor.post(message));
    this.#startTimer = setTimeout(() => {
      this.#startError = new Error(`it was not ready within ${START_LIMIT_MS / 1000} seconds`);
      this.#executor.terminate();
    }, START_LIMIT_MS);
    this.#executor = start({ onMessage: (message) => this.#receive(message), onExit: (exit) => this.#exited(exit) });
  }

  /** Resolves when the executor has ended. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Bodies that have begun and whose code may go on. */
  get occupying(): number {
    let count = 0;
    for (const body of this.bodies.values()) if (body.occupies) count += 1;
    return count;
  }

  get hasRunning(): boolean {
    for (const body of this.bodies.values()) if (body.state === "running" || body.state === "resuming") return true;
    return false;
  }

  /** Hands a body over. Its slot is taken. */
  run(body: Body): void {
    const { spec, options } = body;
    clearTimeout(this.idleTimer);
    if (this.bodies.size === 0) this.#executor.ref();
    this.bodies.set(body.id, body);
    body.state = "running";
    try {
      this.#executor.post({ role: "run", body: body.id, spec, graceMs: options.graceMs, timeoutMs: options.timeoutMs });
    } catch (error) {
      this.#finish(body, crashedEnd(notSerializable(spec.args, "args", error)));
    }
  }

  /** Asks the far side to stop a body; past its grace the worker is terminated. */
  cancel(body: Body, message: string, end: RunEnd): void {
    if (body.state === "over" || body.graceTimer !== undefined) return;
    this.#executor.post({ role: "cancel", body: body.id, message });
    body.graceTimer = new Timer(body.options.graceMs, () => this.#stop(body, end));
  }

  /** Passes the request to stop a run on to whatever is inside the worker. */
  cancelRun(runId: string): void {
    if (this.state !== "gone") this.#executor.post({ role: "cancel-run", runId });
  }

  /** Lets the far side end by itself; no further body may be given. */
  shutdown(): void {
    if (this.state === "closing" || this.state === "gone") return;
    this.state = "closing";
    clearTimeout(this.idleTimer);
    this.#executor.post({ role: "shutdown" });
    const timer = setTimeout(() => this.#executor.terminate(), SHUTDOWN_LIMIT_MS);
    timer.unref();
    void this.gone.then(() => clearTimeout(timer));
  }

  /** Ends it at once; its bodies end as decided, else crashed. */
  terminate(): void {
    this.#executor.terminate();
  }

  /** Keeps the process alive until the worker is gone: for an orderly end. */
  keepAlive(): void {
    if (this.state !== "gone") this.#executor.ref();
  }

  #stop(body: Body, end: RunEnd): void {
    if (body.state === "ended" || body.state === "over") return;
    body.decided ??= end;
    this.#executor.terminate();
  }

  #receive(message: FarMessage): void {
    switch (message.role) {
      case "ready":
        clearTimeout(this.#startTimer);
        if (this.state === "starting") this.state = "open";
        return;
      case "start-failed":
        this.#startError = fromWireError(message.error);
        return;
      case "crashed":
        this.#crash = message.error;
        return;
      case "started":
      case "secede":
      case "resume":
      case "body-ended":
      case "ended": {
        // A body that was given up on (its end is decided) may still speak.
        const body = this.bodies.get(message.body);
        if (body !== undefined) this.#receiveOf(body, message);
        return;
      }
      default:
        this.#nested.handle(message);
    }
  }

  #receiveOf(body: Body, message: FarMessage & { readonly body: number }): void {
    switch (message.role) {
      case "started":
        this.#startTimeout(body);
        body.options.onStart?.(message.startedUs);
        return;
      case "secede":
        if (body.state !== "running") return;
        body.state = "seceded";
        body.ticket?.release();
        return;
      case "resume":
        if (body.state === "seceded") this.#resume(body);
        return;
      case "body-ended":
        body.state = "over";
        body.result = message.result;
        body.timeoutTimer?.clear();
        body.graceTimer?.clear();
        body.ticket?.release();
        this.#owner.onChanged(this);
        return;
      case "ended": {
        const { end } = message;
        const value = message.valueSent ? body.result?.value : undefined;
        this.#finish(body, message.valueSent && end.type === "completed" ? { ...end, value } : end);
        return;
      }
    }
  }

  #startTimeout(body: Body): void {
    const { timeoutMs, graceMs } = body.options;
    if (timeoutMs === null) return;
    body.timeoutTimer = new Timer(timeoutMs + graceMs, () => this.#stop(body, timedOutEnd(body.spec, timeoutMs)));
  }

  #resume(body: Body): void {
    body.state = "resuming";
    this.#owner.ledger.request({ depth: body.spec.depth, resume: true }, (ticket) => {
      // The body may have ended with its worker while it waited.
      if (body.state !== "resuming") return ticket.release();
      body.ticket = ticket;
      body.state = "running";
      this.#executor.post({ role: "resumed", body: body.id });
    });
  }

  #finish(body: Body, end: RunEnd): void {
    this.bodies.delete(body.id);
    body.finish(end);
    if (this.bodies.size === 0 && this.state !== "gone") this.#executor.unref();
    this.#owner.onChanged(this);
  }

  #exited(exit: ExecutorExit): void {
    const wasStarting = this.state === "starting";
    this.state = "gone";
    clearTimeout(this.#startTimer);
    clearTimeout(this.idleTimer);
    this.#owner.onGone(this);
    this.#nested.close();
    const stopped = [...this.bodies.values()].find((body) => body.decided !== undefined);
    const error = wasStarting ? this.#notStarted(exit) : this.#crashed(exit, stopped);
    const bodies = [...this.bodies.values()];
    this.bodies.clear();
    for (const body of bodies) body.finish(body.decided ?? crashedEnd(error));
    this.#gone.resolve();
  }

  #notStarted(exit: ExecutorExit): SluiceError {
    const cause = this.#startError ?? (this.#crash === undefined ? undefined : fromWireError(this.#crash));
    const reason = cause?.message ?? (exit.stderrTail === "" ? "it wrote nothing" : exit.stderrTail);
    return new SluiceError(
      "SLUICE_WORKER_START_FAILED",
      `Expected a worker to start, but it ended before it was ready (${exit.how}): ${reason}`,
      { cause: cause ?? exit.error },
    );
  }

  #crashed(exit: ExecutorExit, stopped: Body | undefined): SluiceError {
    if (stopped !== undefined) {
      return new SluiceError(
        "SLUICE_WORKER_CRASHED",
        `The worker was terminated because of the run "${stopped.spec.run_name}", which it held beside this one.`,
      );
    }
    if (this.#crash === undefined) return exit.error;
    const cause = fromWireError(this.#crash);
    return new SluiceError(
      "SLUICE_WORKER_CRASHED",
      `The worker that held the run ended because of an error that nothing caught: ${cause.name}: ${cause.message}`,
      { cause },
    );
  }
}
