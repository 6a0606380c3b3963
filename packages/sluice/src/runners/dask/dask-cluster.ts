import type { CarryOptions } from "../../engine/task-runner.ts";
import { notPortable } from "../../engine/functions/load-function.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../../wire/run-spec.ts";
import { cancelledEnd, crashedEnd, messageOf } from "../run-end.ts";
import type { LivePool } from "../runtime.ts";
import type { DaskConnection } from "./dask-connection.ts";
import { DaskMail } from "./dask-mail.ts";
import { DaskRun } from "./dask-run.ts";

/** A connection that is up, and what ends it. */
export interface OpenCluster {
  readonly connection: DaskConnection;
  /** Told to the run that opens the cluster. */
  readonly notices: string[];
  /** Leaves the cluster, and ends it if it is a temporary one. */
  close(): Promise<void>;
}

export interface DaskClusterPlan {
  readonly description: RunnerDescription;
  /** Connects, or makes a cluster first. @param onLost to be called when the connection has ended by itself */
  readonly open: (onLost: (reason: string) => void) => Promise<OpenCluster>;
  /** Seconds without a run after which the cluster is left; a later run opens it again. */
  readonly idleSeconds: number;
}

interface Opened {
  readonly cluster: OpenCluster;
  readonly mail: DaskMail;
}

/**
 * A Dask cluster behind all runners of one description.
 *
 * `closed` → (the first run) `opening` → `open` → (idle, or lost) `closed`. Runs that are open when the connection is lost end as crashed, and one that is tried again opens
 * another. It keeps the process alive only while it carries a run.
 */
export class DaskCluster implements LivePool {
  readonly description: RunnerDescription;
  readonly keepsValues = true;
  readonly #plan: DaskClusterPlan;
  readonly #ends = new Set<Promise<RunEnd>>();
  #opened: Promise<Opened> | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(plan: DaskClusterPlan) {
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
    const op = (connection: DaskConnection) => ({ op: `${connection.module}_cancel_run`, run_id: runId });
    this.#opened
      ?.then(({ cluster: { connection } }) => connection.client.broadcast(op(connection)))
      // A cluster that is not there has nothing to cancel.
      .catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all(this.#ends);
    await this.#leave();
  }

  async #carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    const { home } = spec.function;
    if (home === null) return crashedEnd(notPortable(spec.function));
    if (options.signal.aborted) return cancelledEnd(messageOf(options.signal));
    try {
      const { cluster, mail } = await this.#open();
      const { connection } = cluster;
      connection.client.ref();
      for (const message of cluster.notices.splice(0)) options.onNotice?.({ level: "info", message, isOfRunner: true });
      const code = await connection.codeOf(home);
      if (options.signal.aborted) return cancelledEnd(messageOf(options.signal));
      return await new DaskRun(spec, options, connection).run(code, mail);
    } catch (error) {
      return crashedEnd(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #open(): Promise<Opened> {
    if (this.#opened === undefined) {
      const opening = this.#plan
        .open(() => this.#lost(opening))
        .then((cluster) => ({ cluster, mail: new DaskMail(cluster.connection) }));
      opening.catch(() => this.#forget(opening));
      this.#opened = opening;
    }
    return this.#opened;
  }

  #lost(opened: Promise<Opened>): void {
    this.#forget(opened);
    // What is left of it (the process of a temporary cluster) ends by itself where that cannot be ended in good order.
    void opened.then(({ cluster }) => cluster.close()).catch(() => undefined);
  }

  #forget(opened: Promise<Opened>): void {
    if (this.#opened === opened) this.#opened = undefined;
  }

  async #rest(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    if (opened === undefined || this.#ends.size > 0) return;
    opened.cluster.connection.client.unref();
    this.#idleTimer = setTimeout(() => void this.#leave(), this.#plan.idleSeconds * 1000);
    this.#idleTimer.unref();
  }

  async #leave(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const opened = this.#opened;
    this.#opened = undefined;
    const known = await opened?.catch(() => undefined);
    await known?.cluster.close();
  }
}
