import type { MessagePort } from "node:worker_threads";
import type { RunEnd, RunnerDescription, RunSpec } from "../wire/run-spec.ts";
import type { SlotHold, TaskRunner } from "./task-runner.ts";

/**
 * What a far side needs of the engine, and what it gives it.
 *
 * The far side (`runners/far-side/`) receives run specs, loads the functions they name and hands both to this engine, which runs them as on the near side
 * and reports their states itself. The module that provides it exports `farSideEngine: FarSideEngine`; it is loaded once per worker, before the worker says it is ready,
 * so it must not import what a run does not need.
 */
export interface FarSideEngine {
  /**
   * Runs one flow or task to its end.
   *
   * Resolves after the store has acknowledged the final state (`reported: true`), or when that cannot be had (`reported: false`). A rejection is a crash of the
   * engine: the near side reports the run as crashed.
   */
  execute(spec: RunSpec, host: FarSideHost): Promise<RunEnd>;
  /** Asks a flow run that runs inside this worker (also one that another run called directly) to stop; unknown ids are ignored. */
  cancel(runId: string): void;
  /** Awaited before a worker that is no longer needed ends: sends what is still unsent. */
  close(): Promise<void>;
}

/** One run's ties to its near side. */
export interface FarSideHost {
  /** The flow or task that `spec.function` names, as its module defined it. */
  readonly definition: unknown;
  readonly home: HomeAddress;
  /** When the near side was told that the run has started, in microseconds since the epoch: the timestamp of its first Running state. */
  readonly startedUs: number;
  readonly slot: SlotHold;
  /**
   * Whether this is a node of a cluster: its near side hands the record of a short run on (`RunEnd.record`), in place of a request of this process; and the cluster runs again,
   * by itself, what was on a node that died.
   */
  readonly isOnCluster: boolean;
  /**
   * Whether its near side cannot reach this worker while the body runs, as it is with a Ray job: the run then hears from the store that it is to be cancelled, and ends itself when its
   * parent's is over there, since nothing ends it with the root process.
   */
  readonly isJob: boolean;
  /** Aborted with a SluiceError `SLUICE_CANCELLED` when the run is to be cancelled; past `graceMs` the whole worker is terminated. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
  /** Milliseconds from now after which the body is over, null for no limit. The near side terminates the worker `graceMs` later. */
  readonly timeoutMs: number | null;
  /**
   * Says that the body (with its retries) is over and gives its slot back, before the states are reported. Idempotent.
   *
   * @param result the value that the run completed with: it travels now, and `execute` may leave it out of its end
   * @throws SluiceError `SLUICE_NOT_SERIALIZABLE`, naming the path, when the value cannot travel; the slot is given back all the same
   */
  bodyEnded(result?: { readonly value: unknown }): void;
  /**
   * Gives a runner that carries to the live pool which this worker, or one above it, belongs to; undefined when none has this description
   * (then a runner of this worker's own is to be used, whose slots come from the same ledger).
   */
  attachRunner(description: RunnerDescription): TaskRunner | undefined;
}

/** How a worker reaches the store of its root process. */
export interface HomeAddress {
  /** To the root process's home thread; null in processes, and in threads that were started by one. */
  readonly port: MessagePort | null;
  /** Plain data that the root process gave to its workers (`HomeLink.address`): socket path, URL, process id. */
  readonly address: Readonly<Record<string, string>>;
}

/** What the root process gives its runners so that their workers reach its store. */
export interface HomeLink {
  /** Opens a port to the home thread for one thread worker; null where threads use `address` as processes do. */
  connectThread(): MessagePort | null;
  readonly address: Readonly<Record<string, string>>;
  /** URL of the module that exports `farSideEngine`. */
  readonly engineUrl: string;
  /** Folder of the Python environments that `sluice dask install` and the like make. */
  readonly pythonFolder: string;
  /** Settings of this process that a run on another machine is to have too, as variables of its environment. */
  readonly environment: Readonly<Record<string, string>>;
}
