import type { CarryOptions, RunnerNotice } from "../../engine/task-runner.ts";
import { LONGEST_TIMER_MS } from "../../engine/timer.ts";
import { notPortable } from "../../engine/functions/load-function.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../../wire/run-spec.ts";
import { cancelledEnd, crashedEnd, messageOf } from "../run-end.ts";
import type { LivePool } from "../runtime.ts";

/** The notice that tells where a cluster can be watched. */
export function dashboardNotice(engine: "Dask" | "Ray", url: string): RunnerNotice {
  const message = `The ${engine} dashboard is available at ${url}`;
  const link = { key: `${engine.toLowerCase()}-dashboard`, url, text: `${engine} dashboard` };
  return { level: "info", message, isOfRunner: true, link };
}

/** A connection to a cluster that is up, and what it carries. */
export interface OpenCluster {
  /** Carries a run; may reject with why it cannot. */
  carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd>;
  /** Asks a flow run that runs somewhere on the cluster to stop; unknown ids are ignored. */
  cancelRun(runId: string): void;
  /** Told to the run that opens the cluster. */
  readonly notices: RunnerNotice[];
  /** Keeps the process alive while it carries runs. */
  ref(): void;
  unref(): void;
  /** Leaves the cluster, and ends it if it is a temporary one. */
  close(): Promise<void>;
}

export interface ClusterPlan {
  readonly description: RunnerDescription;
  /** Connects, or makes a cluster first. @param onLost to be called when the connection has ended by itself */
  readonly open: (onLost: (reason: string) => void) => Promise<OpenCluster>;
  /** Seconds without a run after which the cluster is left; a later run opens it again. */
  readonly idleSeconds: number;
}

/**
 * A cluster behind all runners of one description.
 *
 * `closed` → (the first run) `opening` → `open` → (idle, or lost) `closed`. Runs that are open when the connection is lost end as crashed, and one that is tried again opens
 * another. It keeps the process alive only while it carries a run.
 */
export class ClusterPool implements LivePool {
  readonly description: RunnerDescription;
  readonly keepsValues = true;
  readonly #plan: ClusterPlan;
  readonly #ends = new Set<Promise<RunEnd>>();
  #opened: Promise<OpenCluster> | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(plan: ClusterPlan) {
    this.#plan = plan;
    this.description = plan.description;
  }

  async carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    const end = this.#carry(spec, options);
    this.#ends.add(end);
    clearTimeout(this.#idleTimer);
    try {
      return await end;
    } finally {
      this.#ends.delete(end);
      if (this.#ends.size === 0) void this.#rest();
    }
  }

  cancelRun(runId: string): void {
    // A cluster that is not there has nothing to cancel.
    this.#opened?.then((cluster) => cluster.cancelRun(runId)).catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all(this.#ends);
    await this.#leave();
  }

  async #carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    const { home } = spec.function;
    if (home === null && spec.python === undefined) return crashedEnd(notPortable(spec.function));
    if (options.signal.aborted) return cancelledEnd(messageOf(options.signal));
    try {
      const cluster = await this.#open();
      cluster.ref();
      for (const notice of cluster.notices.splice(0)) options.onNotice?.(notice);
      if (options.signal.aborted) return cancelledEnd(messageOf(options.signal));
      return await cluster.carry(spec, options);
    } catch (error) {
      return crashedEnd(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #open(): Promise<OpenCluster> {
    if (this.#opened === undefined) {
      const opening = this.#plan.open(() => this.#lost(opening));
      opening.catch(() => this.#forget(opening));
      this.#opened = opening;
    }
    return this.#opened;
  }

  #lost(opened: Promise<OpenCluster>): void {
    this.#forget(opened);
    // What is left of it (the process of a temporary cluster) ends by itself where that cannot be ended in good order.
    void opened.then((cluster) => cluster.close()).catch(() => undefined);
  }

  #forget(opened: Promise<OpenCluster>): void {
    if (this.#opened === opened) this.#opened = undefined;
  }

  async #rest(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    if (opened === undefined || this.#ends.size > 0) return;
    opened.unref();
    this.#idleTimer = setTimeout(() => void this.#leave(), Math.min(this.#plan.idleSeconds * 1000, LONGEST_TIMER_MS));
    this.#idleTimer.unref();
  }

  async #leave(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const opened = this.#opened;
    this.#opened = undefined;
    const known = await opened?.catch(() => undefined);
    await known?.close();
  }
}
