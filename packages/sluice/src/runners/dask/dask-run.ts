import { randomUUID } from "node:crypto";
import { serialize } from "node:v8";
import type { DaskAnnotations } from "../../engine/definition.ts";
import type { CarryOptions } from "../../engine/task-runner.ts";
import type { RemoteValue } from "../../engine/values/remote-value.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { RunEnd, RunSpec } from "../../wire/run-spec.ts";
import { deathOf, runEndOf, type BridgedEnd, type NodeDeath } from "../cluster/carried-end.ts";
import type { CarriedOrder } from "../cluster/carried-order.ts";
import { pythonCall } from "../cluster/python-call.ts";
import { graceOf, keyName, referred } from "../cluster/carried-run-parts.ts";
import { cancelledEnd, crashedEnd, messageOf, notSerializable } from "../run-end.ts";
import type { DaskConnection } from "./dask-connection.ts";
import type { DaskMail } from "./dask-mail.ts";
import { KeyReference, type KeyEnd, type Placement } from "./protocol/dask-client.ts";
import type { PythonException } from "./protocol/exceptions.ts";
import { BOUNDED_DEPTHS, flowResource } from "./protocol/plugins.ts";

/** Between two priorities of the user's, runs are ordered by their depth. */
const DEPTHS_OF_PRIORITY = 100;

/**
 * One run on a Dask cluster: submitted → (said to have started) → over, by its own end or by what became of its key.
 *
 * Cancelling asks the far side first, where the run has started; past its grace, or when it has not, the key is taken off the cluster, and the plugin of its worker ends the
 * process that held it.
 */
export class DaskRun {
  readonly key: string;
  readonly #spec: RunSpec;
  readonly #options: CarryOptions;
  readonly #connection: DaskConnection;
  readonly #placement: DaskAnnotations;
  readonly #end = Promise.withResolvers<RunEnd>();
  #isStarted = false;
  #isOver = false;
  #graceTimer: NodeJS.Timeout | undefined;
  readonly #onAbort = (): void => void this.#cancel();

  constructor(spec: RunSpec, options: CarryOptions, connection: DaskConnection) {
    this.#spec = spec;
    this.#options = options;
    this.#connection = connection;
    // Checked with the options of the flow or task.
    this.#placement = options.placement ?? {};
    this.key = `${keyName(spec)}-${randomUUID()}`;
  }

  /** Submits it and resolves with its end; never rejects. */
  async run(code: string, mail: DaskMail): Promise<RunEnd> {
    const { python } = this.#spec;
    if (python !== undefined) return this.#runPython(python, mail);
    const { graceMs, timeoutMs, signal } = this.#options;
    const { args, keys } = await referred(this.#spec.args, mail);
    const order: CarriedOrder = { spec: { ...this.#spec, args }, code, graceMs, timeoutMs, valuesAre: "in-ends" };
    let part: Buffer;
    try {
      part = serialize(order);
    } catch (error) {
      return crashedEnd(notSerializable(args, "args", error));
    }
    this.#tellResources();
    const call = {
      key: this.key,
      settings: this.#connection.settings,
      limit_seconds: timeoutMs === null ? null : (timeoutMs + graceMs) / 1000,
      topic: mail.topic,
      raises: (this.#placement.retries ?? 0) > 0,
    };
    mail.submit(this, {
      function: this.#spec.kind,
      args: [JSON.stringify(call), part, ...keys.map((key) => new KeyReference(key))],
      ...this.#place(),
    });
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
    return this.#end.promise;
  }

  async #runPython(path: string, mail: DaskMail): Promise<RunEnd> {
    const { signal } = this.#options;
    const { call, parts } = await pythonCall(path, this.#spec.args);
    mail.submit(this, { function: "python", args: [call, ...parts], ...this.#place() });
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
    return this.#end.promise;
  }

  started(startedUs: number): void {
    if (this.#isStarted || this.#isOver) return;
    this.#isStarted = true;
    this.#options.onStart?.(startedUs);
  }

  /** Takes the end that the far side has given. */
  ended(end: BridgedEnd, value: Buffer | RemoteValue): void {
    if ("started_us" in end && end.started_us > 0) this.started(end.started_us);
    this.#finish(runEndOf(end, value, { spec: this.#spec, timeoutMs: this.#options.timeoutMs }));
  }

  /** Takes what became of the key where there is no end to be had. */
  failed(end: Exclude<KeyEnd, { readonly how: "memory" }>): void {
    this.#finish(crashedEnd(errorOf(end)));
  }

  #place(): Placement {
    const { priority, retries, workers, allowOtherWorkers } = this.#placement;
    const resources = { ...this.#placement.resources, ...this.#flowResource() };
    return {
      // Deeper first: a worker looks no further than the first of those that wait for a resource, so the flows that others wait for must stand there.
      priority: (priority ?? 0) * DEPTHS_OF_PRIORITY + Math.min(this.#spec.depth, DEPTHS_OF_PRIORITY - 1),
      annotations: {
        ...(retries !== undefined && { retries }),
        ...(workers !== undefined && { workers: [...workers], allow_other_workers: allowOtherWorkers ?? false }),
        ...(Object.keys(resources).length > 0 && { resources }),
      },
    };
  }

  #flowResource(): Readonly<Record<string, number>> {
    const { kind, depth } = this.#spec;
    if (kind === "task" || depth >= BOUNDED_DEPTHS) return {};
    return { [`${flowResource(this.#connection.flowsPerWorker)}-${depth}`]: 1 };
  }

  /** Dask says nothing of a run that no worker can take: it waits for one that can. */
  #tellResources(): void {
    const { resources } = this.#placement;
    const tell = this.#options.onNotice;
    if (resources === undefined || tell === undefined) return;
    this.#connection.client.identity().then(
      ({ workers }) => {
        const isEnough = workers.some((worker) =>
          Object.entries(resources).every(([name, amount]) => (worker.resources[name] ?? 0) >= amount),
        );
        if (!isEnough)
          tell({
            level: "warning",
            message: `No worker of the cluster has the resources ${JSON.stringify(resources)} that the run asks for: it waits until one has (dask worker --resources).`,
          });
      },
      // Whether the scheduler answers is told by its stream.
      () => undefined,
    );
  }

  async #cancel(): Promise<void> {
    const message = messageOf(this.#options.signal);
    const { client, module } = this.#connection;
    const byForce = (): void => {
      if (this.#isOver) return;
      this.#finish(cancelledEnd(message));
      client.cancel([this.key], message);
    };
    try {
      const answers = await client.broadcast({ op: `${module}_cancel`, key: this.key, message });
      if (this.#isOver) return;
      const isRunning = Object.values(answers).includes(true);
      if (isRunning) this.#graceTimer = setTimeout(byForce, graceOf(this.#spec, this.#options.graceMs));
      else byForce();
    } catch {
      // The scheduler is gone, which ends the run as lost; or a worker is, with which the key may have gone.
      byForce();
    }
  }

  #finish(end: RunEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#graceTimer);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#end.resolve(end);
  }
}

function errorOf(end: Exclude<KeyEnd, { readonly how: "memory" }>): SluiceError {
  switch (end.how) {
    case "lost":
      return new SluiceError("SLUICE_CLUSTER_UNREACHABLE", `The run was lost: ${end.reason}.`);
    case "cancelled":
      return new SluiceError(
        "SLUICE_WORKER_CRASHED",
        `The Dask scheduler took the run off the cluster, which nobody here asked for: ${end.reason}.`,
      );
    default:
      return end.exception === undefined ? unknownError(end.text) : errorOfException(end.exception, end.text);
  }
}

function errorOfException({ of, args }: PythonException, text: string): SluiceError {
  const [first, second] = args;
  if (first === "sluice" && typeof second === "string") {
    return deathOf(JSON.parse(second) as NodeDeath); // dask_worker.py
  }
  if (of.endsWith(".KilledWorker")) {
    return new SluiceError(
      "SLUICE_WORKER_CRASHED",
      "Dask gave the run up: each worker that it was on died, several in a row (KilledWorker). Does it take more memory than a worker has?",
    );
  }
  return unknownError(text);
}

function unknownError(text: string): SluiceError {
  return new SluiceError(
    "SLUICE_WORKER_CRASHED",
    `The run failed on the cluster before its function could be called: ${text}`,
  );
}
