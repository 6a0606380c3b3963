import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { CarryOptions } from "../../../engine/task-runner.ts";
import { SluiceError } from "../../../wire/errors.ts";
import type { RunEnd, RunSpec } from "../../../wire/run-spec.ts";
import { runEndOf, type BridgedEnd } from "../../cluster/carried-end.ts";
import { graceOf, keyName, referred } from "../../cluster/carried-run-parts.ts";
import { cancelledEnd, crashedEnd, messageOf } from "../../run-end.ts";
import { nodeCall } from "../node-call.ts";
import { JobConsole } from "./job-console.ts";
import type { JobPackages } from "./job-packages.ts";
import type { JobServer, JobState } from "./job-server.ts";

/** Between two looks at a job. */
const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 1000;
/** On top of the grace: for the driver that hears the signal late, then for Ray, which ends by force what is left. */
const DRIVER_MS = 3000;
const RAY_MS = 10_000;
/** More does not come back by a log: it is read whole, and in the memory of the head. */
const RESULT_LIMIT_BYTES = 8 * 1024 * 1024;

/** What a job is made of beside its run. */
export interface JobPlan {
  readonly server: JobServer;
  readonly packages: JobPackages;
  /** Hashes of the package's files and of the flow's bundle. */
  readonly sdk: string;
  readonly code: string;
  /** `BridgeSettings` as JSON. */
  readonly settings: string;
  /** Name of the module that the driver's source makes on the nodes. */
  readonly module: string;
  readonly initKwargs: Readonly<Record<string, unknown>>;
  readonly submitOptions: Readonly<Record<string, unknown>>;
}

/** What a job's end says beside those of bridges. */
type JobEnd = BridgedEnd | { readonly type: "too-large"; readonly bytes: number };

/**
 * One flow run as a Ray job.
 *
 * Its order and the end come and go as files and lines of a log, since that is what the REST API of Ray carries. Cancelling stops the job: its driver asks the body to stop, and ends its
 * process past the grace; Ray ends by force what is left then.
 */
export class JobRun {
  readonly id: string;
  readonly #spec: RunSpec;
  readonly #options: CarryOptions;
  readonly #plan: JobPlan;
  readonly #console: JobConsole;
  readonly #token = randomBytes(12).toString("hex");
  /** Aborted when it is to be stopped: by its own signal, or by {@link cancel}. */
  readonly #stop = new AbortController();
  readonly #isOver = new AbortController();
  #isStarted = false;

  constructor(spec: RunSpec, options: CarryOptions, plan: JobPlan) {
    this.#spec = spec;
    this.#options = options;
    this.#plan = plan;
    this.id = `sluice-${spec.run_id}-${randomBytes(4).toString("hex")}`;
    this.#console = new JobConsole(this.#token, {
      onLine: (line) => process.stderr.write(`(${spec.run_name}) ${line}\n`),
      onStarted: (startedUs) => this.#started(startedUs),
    });
  }

  /** Submits it and resolves with its end; rejects with why it could not be carried. */
  async run(): Promise<RunEnd> {
    const { signal } = this.#options;
    const onAbort = (): void => this.#stop.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await this.#submit();
      const state = await this.#lastState();
      return await this.#endOf(state);
    } finally {
      this.#isOver.abort();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Stops it, as somebody has asked for at the server. */
  cancel(reason: Error): void {
    this.#stop.abort(reason);
  }

  /** Ends what is left of it where its end was not waited for: nobody answered. */
  async abandon(): Promise<void> {
    this.#stop.abort(new SluiceError("SLUICE_CANCELLED", "The job was given up."));
    await this.#lastState();
  }

  async #submit(): Promise<void> {
    const { server, packages, code, submitOptions } = this.#plan;
    const workingDir = await packages.uriOf(code);
    const order = await packages.putOrder(this.id, await this.#files());
    const { runtime_env: given, metadata, ...options } = submitOptions;
    // Objects of plain data, as the job server says otherwise.
    const environment = (given ?? {}) as {
      readonly py_modules?: readonly unknown[];
      readonly env_vars?: Readonly<Record<string, string>>;
    };
    if (this.#stop.signal.aborted) return;
    await server.submit({
      ...options,
      submission_id: this.id,
      // Without a shell above it, the driver is what is stopped.
      entrypoint: `exec python ${packages.sdkFolder}/python/ray_job.py ${this.id}`,
      metadata: {
        ...(metadata as Readonly<Record<string, string>> | undefined),
        sluice_flow_run_id: this.#spec.run_id,
        sluice_flow_run_name: this.#spec.run_name,
      },
      runtime_env: {
        ...environment,
        working_dir: workingDir,
        py_modules: [order, ...(environment.py_modules ?? [])],
        env_vars: {
          ...environment.env_vars,
          RAY_JOB_STOP_WAIT_TIME_S: String(Math.ceil((this.#graceMs() + DRIVER_MS) / 1000)),
        },
      },
    });
  }

  async #files(): Promise<ReadonlyMap<string, Uint8Array>> {
    const { sdk, code, settings, module, initKwargs } = this.#plan;
    // Nothing that the bridge keeps is known to a job.
    const { args } = await referred(this.#spec.args, undefined);
    const call = nodeCall({ ...this.#spec, args }, this.#options, { key: keyName(this.#spec), sdk, code, isJob: true });
    const job = { token: this.#token, module, settings, init_kwargs: initKwargs, most_bytes: RESULT_LIMIT_BYTES };
    return new Map([
      ["job.json", Buffer.from(JSON.stringify({ ...job, sdk, code }))],
      ["call", Buffer.concat(call)],
    ]);
  }

  /** Looks at the job until it is over. Undefined: it is not there, or does not end although it was stopped. */
  async #lastState(): Promise<JobState | undefined> {
    const { server } = this.#plan;
    const { signal } = this.#stop;
    let isFollowed = false;
    let isStopped = false;
    let limit = Infinity;
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_LOOK_MS)) {
      const state = await server.job(this.id);
      if (state === undefined || (state.status !== "PENDING" && state.status !== "RUNNING")) return state;
      if (state.status === "RUNNING" && !isFollowed) {
        isFollowed = true;
        void server.follow(this.id, (text) => this.#console.add(text), this.#isOver.signal);
      }
      if (signal.aborted) {
        limit = Math.min(limit, performance.now() + this.#graceMs() + DRIVER_MS + RAY_MS);
        if (performance.now() > limit) return undefined;
        if (!isStopped) isStopped = await server.stop(this.id);
      }
      // A wish to stop ends the wait.
      await delay(waitMs, undefined, signal.aborted ? {} : { signal }).catch(() => undefined);
    }
  }

  async #endOf(state: JobState | undefined): Promise<RunEnd> {
    const { signal } = this.#stop;
    const log = state === undefined ? undefined : await this.#plan.server.log(this.id);
    this.#isOver.abort();
    const end = log === undefined ? undefined : this.#console.finish(log);
    if (end !== undefined) return this.#bodyEnd(end);
    if (signal.aborted) return cancelledEnd(messageOf(signal));
    const how = state !== undefined && log === undefined ? "and its log cannot be had" : "without its flow run";
    const words = state === undefined ? "it knows no such job any more" : `${state.status}: ${state.message ?? ""}`;
    return crashedEnd(
      new SluiceError("SLUICE_WORKER_CRASHED", `The Ray job ${this.id} ended ${how}. Ray says: ${words}`),
    );
  }

  /** `u32 length of the header | header | value` (node_process.py). */
  #bodyEnd(bytes: Buffer): RunEnd {
    const { signal } = this.#stop;
    const size = bytes.readUInt32LE(0) + 4;
    const end = JSON.parse(bytes.subarray(4, size).toString("utf8")) as JobEnd; // the far side's, or the driver's
    if (end.type === "too-large") return crashedEnd(tooLarge(end.bytes));
    if ("started_us" in end && end.started_us > 0) this.#started(end.started_us);
    if (signal.aborted && (end.type === "died" || end.type === "unfit" || end.type === "cancelled-by-force")) {
      return cancelledEnd(messageOf(signal));
    }
    const own = runEndOf(end, bytes.subarray(size), { spec: this.#spec, timeoutMs: this.#options.timeoutMs });
    // Ray's signal says no reason.
    return own.type === "cancelled" && signal.aborted ? { ...own, message: messageOf(signal) } : own;
  }

  #started(startedUs: number): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#options.onStart?.(startedUs);
  }

  #graceMs(): number {
    return graceOf(this.#spec, this.#options.graceMs);
  }
}

function tooLarge(bytes: number): SluiceError {
  const mib = (count: number): string => (count / (1024 * 1024)).toFixed(1);
  return new SluiceError(
    "SLUICE_CLUSTER_UNFIT",
    `The flow run's result has ${mib(bytes)} MiB, and a Ray job's log brings ${mib(RESULT_LIMIT_BYTES)} MiB at most. Return less (a path, a key of what the flow has stored), or leave the option "jobs" out: the bridge has no such limit.`,
  );
}
