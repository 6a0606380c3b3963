import { randomUUID } from "node:crypto";
import type { CarryOptions } from "../../engine/task-runner.ts";
import type { RemoteValue } from "../../engine/values/remote-value.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { RunEnd, RunSpec } from "../../wire/run-spec.ts";
import { runEndOf, type BridgedEnd } from "../cluster/carried-end.ts";
import { pythonCall } from "../cluster/python-call.ts";
import { graceOf, keyName, referred } from "../cluster/carried-run-parts.ts";
import { cancelledEnd, crashedEnd, messageOf } from "../run-end.ts";
import { nodeCall } from "./node-call.ts";

/** A run as it is submitted to a driver (ray_driver.py). */
export interface RayTask {
  readonly key: string;
  readonly name: string;
  readonly kind: "node" | "python";
  readonly code: string;
  /** Lengths of the bytes that come with it, the first of which say what is called; or keys of values that the cluster has. */
  readonly parts: readonly (number | { readonly key: string })[];
  /** For `.options()` of Ray's remote function, as JSON: equal texts share one function. */
  readonly options: string;
}

/** What a run needs of the connection. */
export interface RayOrders {
  readonly sdk: string;
  submit(run: RayRun, task: RayTask, parts: readonly Uint8Array[]): void;
  cancel(key: string, how: { readonly message: string; readonly force: boolean }): void;
}

/** Milliseconds on top of the grace until a run that does not end is ended with its worker. */
const FORCE_AFTER_MS = 3000;

/**
 * One run on a Ray cluster.
 *
 * Cancelling interrupts its worker, which asks the body to stop and ends its process past the grace; what does not end even then is ended with its worker.
 */
export class RayRun {
  readonly key: string;
  readonly #spec: RunSpec;
  readonly #options: CarryOptions;
  readonly #orders: RayOrders;
  readonly #end = Promise.withResolvers<RunEnd>();
  #isStarted = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #onAbort = (): void => this.#cancel();

  constructor(spec: RunSpec, options: CarryOptions, orders: RayOrders) {
    this.#spec = spec;
    this.#options = options;
    this.#orders = orders;
    this.key = `${keyName(spec)}-${randomUUID()}`;
  }

  /** Submits it and resolves with its end; rejects for arguments that cannot travel. @param remoteOptions for Ray, on top of the runner's */
  async run(code: string, keeper: unknown, remoteOptions: Readonly<Record<string, unknown>>): Promise<RunEnd> {
    const { python } = this.#spec;
    if (python !== undefined) return this.#runPython(python, remoteOptions);
    const { signal } = this.#options;
    const { args, keys } = await referred(this.#spec.args, keeper);
    const { sdk } = this.#orders;
    const call = nodeCall({ ...this.#spec, args }, this.#options, { key: this.key, sdk, code });
    const parts = [call[0].length + call[1].length, ...keys.map((key) => ({ key }))];
    const options = JSON.stringify(remoteOptions);
    const task: RayTask = { key: this.key, name: keyName(this.#spec), kind: "node", code, parts, options };
    this.#orders.submit(this, task, call);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
    return this.#end.promise;
  }

  async #runPython(path: string, options: Readonly<Record<string, unknown>>): Promise<RunEnd> {
    const { signal } = this.#options;
    const { call, parts } = await pythonCall(path, this.#spec.args);
    const all = [Buffer.from(call), ...parts];
    const task: RayTask = {
      key: this.key,
      name: keyName(this.#spec),
      kind: "python",
      code: "",
      parts: all.map((part) => part.length),
      options: JSON.stringify(options),
    };
    this.#orders.submit(this, task, all);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener("abort", this.#onAbort, { once: true });
    return this.#end.promise;
  }

  started(startedUs: number): void {
    if (this.#isStarted || this.#isOver) return;
    this.#isStarted = true;
    this.#options.onStart?.(startedUs);
  }

  ended(end: BridgedEnd, value: Buffer | RemoteValue): void {
    if ("started_us" in end && end.started_us > 0) this.started(end.started_us);
    const { signal, timeoutMs } = this.#options;
    if (end.type === "cancelled-by-force" && signal.aborted) return this.#finish(cancelledEnd(messageOf(signal)));
    const own = runEndOf(end, value, { spec: this.#spec, timeoutMs });
    // Ray's interrupt may have been there before the reason.
    this.#finish(own.type === "cancelled" && signal.aborted ? { ...own, message: messageOf(signal) } : own);
  }

  /** Takes the class and message of Ray's error where there is no end to be had. */
  failed(className: string, message: string): void {
    const { signal } = this.#options;
    if (signal.aborted) return this.#finish(cancelledEnd(messageOf(signal)));
    this.#finish(
      crashedEnd(new SluiceError("SLUICE_WORKER_CRASHED", `Ray gave the run up (${className}): ${message}`)),
    );
  }

  lost(reason: string): void {
    this.#finish(crashedEnd(new SluiceError("SLUICE_CLUSTER_UNREACHABLE", `The run was lost: ${reason}.`)));
  }

  #cancel(): void {
    const message = messageOf(this.#options.signal);
    this.#orders.cancel(this.key, { message, force: false });
    this.#timer = setTimeout(
      () => {
        this.#finish(cancelledEnd(message));
        this.#orders.cancel(this.key, { message, force: true });
      },
      graceOf(this.#spec, this.#options.graceMs) + FORCE_AFTER_MS,
    );
  }

  #finish(end: RunEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#end.resolve(end);
  }
}
