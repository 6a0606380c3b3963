import type { CarryOptions } from "../../engine/task-runner.ts";
import { LONGEST_TIMER_MS } from "../../engine/timer.ts";
import { notPortable } from "../../engine/functions/load-function.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../../wire/run-spec.ts";
import { cancelledEnd, crashedEnd, messageOf } from "../run-end.ts";
import type { LivePool } from "../runtime.ts";
import { LocalSlotLedger, PairedSlotLedger, type SlotLedger } from "../slot-ledger.ts";
import { Body } from "./body.ts";
import type { StartExecutor } from "./executor.ts";
import { PooledWorker, type WorkerOwner } from "./pooled-worker.ts";

function needsCluster(python: string): SluiceError {
  return new SluiceError(
    "SLUICE_RUN_REFUSED",
    `The Python function "${python}" runs on the workers of a cluster: submit it to a DaskTaskRunner or a RayTaskRunner.`,
  );
}

/** How a pool is made up. */
export interface PoolPlan {
  readonly description: RunnerDescription;
  /** Bodies that run at once, an integer >= 1. */
  readonly maxWorkers: number;
  readonly idleSeconds: number;
  /** The ledger of the root process, or the way to it. */
  readonly ledger: SlotLedger;
  readonly startExecutor: StartExecutor;
}

/** Workers per `maxWorkers` before bodies share one: each open parent that waits for its children likes a worker of its own. */
const SPARE_FACTOR = 4;
const SPARE_LEAST = 8;

/**
 * Carries runs to threads or processes of one machine.
 *
 * 1. At most `maxWorkers` bodies run at once, and with all other pools of the root process no more than its ledger has slots.
 * 2. A body gets a worker whose other bodies are over; else a new worker, as long as there are fewer than 4 × maxWorkers (at least 8); else the one with the fewest
 *    bodies, of those where none is running. Bodies of one worker run in turns, on one thread.
 * 3. Workers start when a body needs one, stay warm for `idleSeconds`, and keep the process alive only while they hold a body.
 * 4. A worker that ends takes only its own bodies with it; the next body finds or starts another.
 */
export class WorkerPool implements LivePool, WorkerOwner {
  readonly description: RunnerDescription;
  readonly ledger: SlotLedger;
  readonly #plan: PoolPlan;
  readonly #workers = new Set<PooledWorker>();
  readonly #leaving = new Set<PooledWorker>();
  readonly #bodies = new Set<Body>();
  /** Workers without a body, the last used at the end. */
  readonly #idle: PooledWorker[] = [];
  readonly #spareLimit: number;
  #lastBody = 0;

  constructor(plan: PoolPlan) {
    this.#plan = plan;
    this.description = plan.description;
    plan.ledger.raise(plan.maxWorkers);
    this.ledger = new PairedSlotLedger(new LocalSlotLedger(plan.maxWorkers), plan.ledger);
    this.#spareLimit = Math.max(SPARE_LEAST, SPARE_FACTOR * plan.maxWorkers);
  }

  carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    if (spec.python !== undefined) return Promise.resolve(crashedEnd(needsCluster(spec.python)));
    if (spec.function.home === null) return Promise.resolve(crashedEnd(notPortable(spec.function)));
    const { signal } = options;
    if (signal.aborted) return Promise.resolve(cancelledEnd(messageOf(signal)));
    const body = new Body(++this.#lastBody, spec, options);
    this.#bodies.add(body);
    void body.end.then(() => this.#bodies.delete(body));
    body.onAbort = () => this.#cancelQueued(body);
    signal.addEventListener("abort", body.onAbort, { once: true });
    const asked = this.ledger.request({ depth: spec.depth, resume: false }, (ticket) => {
      body.ticket = ticket;
      this.#start(body);
    });
    body.ticket ??= asked;
    return body.end;
  }

  cancelRun(runId: string): void {
    for (const worker of this.#workers) worker.cancelRun(runId);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#bodies, (body) => body.end));
    for (const worker of this.#workers) this.#letGo(worker);
    const leaving = [...this.#leaving];
    for (const worker of leaving) worker.keepAlive();
    await Promise.all(leaving.map((worker) => worker.gone));
  }

  onChanged(worker: PooledWorker): void {
    if (worker.state === "gone" || worker.state === "closing" || worker.bodies.size > 0 || this.#idle.includes(worker))
      return;
    this.#idle.push(worker);
    worker.idleTimer = setTimeout(() => this.#letGo(worker), Math.min(this.#plan.idleSeconds * 1000, LONGEST_TIMER_MS));
    worker.idleTimer.unref();
  }

  onGone(worker: PooledWorker): void {
    this.#workers.delete(worker);
    this.#leaving.delete(worker);
    this.#removeIdle(worker);
  }

  #cancelQueued(body: Body): void {
    body.finish(cancelledEnd(messageOf(body.options.signal)));
  }

  #start(body: Body): void {
    const { signal } = body.options;
    let worker: PooledWorker;
    try {
      worker = this.#workerFor();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return body.finish(
        crashedEnd(
          new SluiceError("SLUICE_WORKER_START_FAILED", `Expected a worker to start, got: ${reason}`, { cause: error }),
        ),
      );
    }
    if (body.onAbort !== undefined) signal.removeEventListener("abort", body.onAbort);
    body.onAbort = () => {
      const message = messageOf(signal);
      worker.cancel(body, message, cancelledEnd(message));
    };
    signal.addEventListener("abort", body.onAbort, { once: true });
    worker.run(body);
  }

  #workerFor(): PooledWorker {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    let least: PooledWorker | undefined;
    for (const worker of this.#workers) {
      if (worker.occupying === 0) return worker;
      if (!worker.hasRunning && (least === undefined || worker.occupying < least.occupying)) least = worker;
    }
    if (least === undefined || this.#workers.size < this.#spareLimit) return this.#startWorker();
    return least;
  }

  #startWorker(): PooledWorker {
    const worker = new PooledWorker(this, this.#plan.startExecutor);
    this.#workers.add(worker);
    return worker;
  }

  #letGo(worker: PooledWorker): void {
    this.#removeIdle(worker);
    this.#workers.delete(worker);
    this.#leaving.add(worker);
    worker.shutdown();
  }

  #removeIdle(worker: PooledWorker): void {
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}
