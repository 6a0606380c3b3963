import { randomUUID } from "node:crypto";
import { SluiceError } from "../../../wire/errors.ts";
import { Comm, type CommOptions } from "./comm.ts";
import { readException, type PythonException } from "./exceptions.ts";
import { emptyTuple, Pickled, pickled, Serialized } from "./messages.ts";
import { PythonBuffer, PythonCall, PythonGlobal } from "./pickle.ts";
import { isRecord, RpcPool, textOf } from "./rpc.ts";

/** One task of a graph: an importable function, and what it is called with. */
export interface GraphTask {
  /** Unique in the cluster. What comes before its first "-" names its group in Dask's dashboard. */
  readonly key: string;
  readonly function: PythonGlobal;
  /** Bytes, strings, or the results of other keys. */
  readonly args: readonly (Uint8Array | string | KeyReference)[];
}

/** The result of a key, given to a task where it is: it does not pass through the client. */
export class KeyReference {
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }
}

/** What has become of a key. */
export type KeyEnd =
  | { readonly how: "memory" }
  | { readonly how: "erred"; readonly exception: PythonException | undefined; readonly text: string }
  | { readonly how: "cancelled"; readonly reason: string }
  | { readonly how: "lost"; readonly reason: string };

/** Where and when tasks are run. */
export interface Placement {
  /** Tasks of a higher priority come first. */
  readonly priority: number;
  /** Dask's annotations, but for the priority: each costs the scheduler something for each task. */
  readonly annotations: Readonly<Record<string, unknown>>;
}

/** A worker as the scheduler knows it. */
export interface WorkerIdentity {
  readonly address: string;
  readonly host: string;
  readonly name: string;
  readonly threads: number;
  readonly resources: Readonly<Record<string, number>>;
}

export interface SchedulerIdentity {
  readonly address: string;
  readonly dashboardPort: number | null;
  readonly workers: readonly WorkerIdentity[];
}

/** How large a cluster is. */
export interface ClusterSize {
  /** Of all workers; 0 while nothing is known. */
  readonly threads: number;
  /** Addresses of the workers of a small cluster; none where there are more than four, or nothing is known. */
  readonly workers: readonly string[];
}

export interface DaskClientOptions extends CommOptions {
  /** Name of the Python module that the scheduler knows the tasks by. */
  readonly module: string;
  /** How the client is called at the scheduler. */
  readonly name: string;
  /** Milliseconds between its signs of life. */
  readonly heartbeatMs: number;
  /** Called once, when the connection to the scheduler has ended without having been closed. */
  readonly onLost: (reason: string) => void;
}

const TASK = new PythonGlobal("dask._task_spec", "Task");
const TASK_REFERENCE = new PythonGlobal("dask._task_spec", "TaskRef");
/** Milliseconds until the size of the cluster is asked for again. */
const SIZE_MS = 5000;
/** A cluster of so many workers is small. */
const FEW_WORKERS = 4;
/** Bytes from this many on go in a frame of their own. */
const BUFFER_BYTES = 16 * 1024;

/**
 * A client of one Dask scheduler.
 *
 * It has a stream, on which graphs go there and news of keys come back, and calls of its own to scheduler and workers. Keys stay in the cluster until released;
 * when the client is gone the scheduler cancels whatever it still wants.
 */
export class DaskClient {
  readonly address: string;
  readonly id: string;
  readonly #options: DaskClientOptions;
  readonly #module: string;
  readonly #rpc: RpcPool;
  readonly #stream: Comm;
  readonly #keys = new Map<string, (end: KeyEnd) => void>();
  readonly #listeners = new Map<string, (message: unknown) => void>();
  readonly #heartbeat: NodeJS.Timeout;
  #size: ClusterSize = { threads: 0, workers: [] };
  #sizeAskedMs = Number.NEGATIVE_INFINITY;
  /** Messages of this turn of the event loop, sent together. */
  #unsent: unknown[] = [];
  #closed = false;

  private constructor(address: string, stream: Comm, parts: { id: string; rpc: RpcPool; options: DaskClientOptions }) {
    this.address = address;
    this.id = parts.id;
    this.#options = parts.options;
    this.#module = parts.options.module;
    this.#rpc = parts.rpc;
    this.#stream = stream;
    this.#heartbeat = setInterval(() => this.#send({ op: "heartbeat-client" }), parts.options.heartbeatMs);
    this.#heartbeat.unref();
    void this.#listen();
  }

  /** Connects and registers. @throws SluiceError SLUICE_CLUSTER_UNREACHABLE */
  static async connect(address: string, options: DaskClientOptions): Promise<DaskClient> {
    const id = `Client-${options.name}-${randomUUID()}`;
    const rpc = new RpcPool(options);
    const stream = await Comm.connect(address, options);
    try {
      stream.write({ op: "register-client", client: id, reply: false, versions: { host: {}, packages: {} } });
      const answer = await stream.read();
      if (!Array.isArray(answer) || !isRecord(answer[0]) || answer[0]["op"] !== "stream-start") {
        throw new SluiceError(
          "SLUICE_CLUSTER_REFUSED",
          `Expected ${address} to answer as a Dask scheduler does, got ${JSON.stringify(answer)}.`,
        );
      }
    } catch (error) {
      stream.close();
      throw error;
    }
    return new DaskClient(address, stream, { id, rpc, options });
  }

  /** Calls an operation of the scheduler. @throws as `RpcPool.call` */
  call(op: string, fields: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.#rpc.call(this.address, { ...fields, op });
  }

  /** Calls an operation of a worker. @throws as `RpcPool.call` */
  callWorker(worker: string, op: string, fields: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.#rpc.call(worker, { ...fields, op });
  }

  /** Calls an operation of all workers, through the scheduler; those that have gone are left out. */
  async broadcast(message: {
    readonly op: string;
    readonly [key: string]: unknown;
  }): Promise<Readonly<Record<string, unknown>>> {
    const answers = await this.call("broadcast", { msg: message, on_error: "return_pickle" });
    return isRecord(answers) ? answers : {};
  }

  async identity(): Promise<SchedulerIdentity> {
    const found = await this.call("identity", { n_workers: -1 });
    const fields = isRecord(found) ? found : {};
    const workers = isRecord(fields["workers"]) ? Object.entries(fields["workers"]) : [];
    const services = isRecord(fields["services"]) ? fields["services"] : {};
    return {
      address: textOf(fields["address"], this.address),
      dashboardPort: typeof services["dashboard"] === "number" ? services["dashboard"] : null,
      workers: workers.map(([address, worker]) => workerOf(address, isRecord(worker) ? worker : {})),
    };
  }

  /**
   * Submits tasks, as one update of the scheduler's graph.
   *
   * @param onEnd called with what has become of each key, until it is released: that it is in memory, perhaps several times, or once that it has ended in another way
   */
  submit(tasks: readonly GraphTask[], placement: Placement, onEnd: (key: string, end: KeyEnd) => void): void {
    const graph = new Map(
      tasks.map((task) => [task.key, new PythonCall(TASK, [task.key, task.function, ...task.args.map(argumentOf)])]),
    );
    for (const { key } of tasks) this.#keys.set(key, (end) => onEnd(key, end));
    this.#send({
      op: "update-graph",
      expr_ser: pickled(new PythonCall(new PythonGlobal(this.#module, "graph"), [graph, randomUUID()])),
      keys: new Set(graph.keys()),
      internal_priority: Object.fromEntries(tasks.map(({ key }, index) => [key, index])),
      submitting_task: null,
      fifo_timeout: "60s",
      actors: null,
      code: emptyTuple,
      user_priority: placement.priority,
      annotations: new Pickled(placement.annotations),
      span_metadata: new Pickled({ collections: [{ type: "Future" }] }),
    });
    const ended = this.#stream.ended;
    if (ended !== undefined) this.#loseAll(ended.message);
  }

  /** Tells the scheduler that the results of these keys are no longer wanted. */
  release(keys: readonly string[]): void {
    for (const key of keys) this.#keys.delete(key);
    this.#send({ op: "client-releases-keys", keys });
  }

  /** Takes tasks off the cluster; those that run are stopped by the plugin of their worker. Each key ends as cancelled. */
  cancel(keys: readonly string[], reason: string): void {
    this.#send({ op: "cancel-keys", keys, force: false, reason, msg: "" });
    for (const key of keys) this.#endKey(key, { how: "cancelled", reason });
  }

  /** Calls back at each event that workers log under a topic. */
  subscribe(topic: string, listener: (message: unknown) => void): void {
    this.#listeners.set(topic, listener);
    this.#send({ op: "subscribe-topic", topic, client: this.id });
  }

  /** How large the cluster is, as it was some seconds ago. */
  get size(): ClusterSize {
    const nowMs = performance.now();
    if (nowMs >= this.#sizeAskedMs + SIZE_MS) {
      this.#sizeAskedMs = nowMs;
      // Whether the scheduler answers is told by its stream.
      this.call("identity", { n_workers: FEW_WORKERS + 1 }).then(
        (found) => (this.#size = sizeOf(found)),
        () => undefined,
      );
    }
    return this.#size;
  }

  /** Which workers hold these keys. */
  async whoHas(keys: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = await this.call("who_has", { keys });
    const entries = isRecord(found) ? Object.entries(found) : [];
    return new Map(entries.map(([key, workers]) => [key, Array.isArray(workers) ? workers.map(String) : []]));
  }

  /** Whether nothing can be asked for any more: it was closed, or the scheduler is gone. */
  get isOver(): boolean {
    return this.#closed || this.#stream.ended !== undefined;
  }

  /** Keeps the process alive while keys are awaited. */
  ref(): void {
    this.#stream.ref();
  }

  unref(): void {
    this.#stream.unref();
  }

  /** Leaves in good order: what was sent arrives, then the scheduler forgets this client. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heartbeat);
    if (this.#stream.ended === undefined) {
      this.#flush();
      this.#stream.write([{ op: "close-client" }, { op: "close-stream" }]);
      this.#stream.end();
    }
    this.#rpc.close();
    this.#loseAll("the client was closed");
  }

  #send(message: unknown): void {
    if (this.#unsent.length === 0) setImmediate(() => this.#flush());
    this.#unsent.push(message);
  }

  #flush(): void {
    const messages = this.#unsent;
    this.#unsent = [];
    if (messages.length > 0 && this.#stream.ended === undefined) this.#stream.write(messages);
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const messages = await this.#stream.read();
        if (Array.isArray(messages)) for (const message of messages) this.#receive(message);
      }
    } catch (error) {
      clearInterval(this.#heartbeat);
      const reason = error instanceof Error ? error.message : String(error);
      this.#loseAll(`the connection to the Dask scheduler at ${this.address} ended: ${reason}`);
      if (!this.#closed) this.#options.onLost(reason);
    }
  }

  #receive(message: unknown): void {
    if (!isRecord(message)) return;
    const { op, key } = message;
    // A key in memory may be lost yet, and come again: it is listened to until it is released.
    if (op === "key-in-memory") this.#keys.get(String(key))?.({ how: "memory" });
    else if (op === "task-erred") {
      const exception = readException(message["exception"]);
      this.#endKey(String(key), { how: "erred", exception, text: describe(exception) });
    } else if (op === "cancelled-keys" || op === "cancelled-key") {
      const keys = Array.isArray(message["keys"]) ? message["keys"] : [key];
      const reason = textOf(message["reason"], "no reason given");
      for (const cancelled of keys) this.#endKey(String(cancelled), { how: "cancelled", reason });
    } else if (op === "event") {
      this.#listeners.get(String(message["topic"]))?.(message["event"]);
    }
  }

  #endKey(key: string, end: KeyEnd): void {
    const onEnd = this.#keys.get(key);
    this.#keys.delete(key);
    onEnd?.(end);
  }

  #loseAll(reason: string): void {
    for (const key of this.#keys.keys().toArray()) this.#endKey(key, { how: "lost", reason });
  }
}

function argumentOf(arg: Uint8Array | string | KeyReference): unknown {
  if (arg instanceof KeyReference) return new PythonCall(TASK_REFERENCE, [arg.key]);
  return typeof arg !== "string" && arg.length >= BUFFER_BYTES ? new PythonBuffer(arg) : arg;
}

function sizeOf(identity: unknown): ClusterSize {
  if (!isRecord(identity)) return { threads: 0, workers: [] };
  const workers = isRecord(identity["workers"]) ? Object.keys(identity["workers"]) : [];
  return { threads: Number(identity["total_threads"] ?? 0), workers: workers.length > FEW_WORKERS ? [] : workers };
}

function workerOf(address: string, fields: Readonly<Record<string, unknown>>): WorkerIdentity {
  const resources = isRecord(fields["resources"]) ? Object.entries(fields["resources"]) : [];
  return {
    address,
    host: textOf(fields["host"], ""),
    name: textOf(fields["name"] ?? fields["id"], address),
    threads: Number(fields["nthreads"] ?? 1),
    resources: Object.fromEntries(resources.map(([name, count]) => [name, Number(count)])),
  };
}

function describe(exception: PythonException | undefined): string {
  if (exception === undefined) return "an exception that could not be read";
  return `${exception.of}: ${exception.args.map(String).join(", ")}`;
}

/** Bytes of a value that a call gave back, which may have come in a frame of their own. */
export function bytesOf(value: unknown): Buffer | null {
  if (value instanceof Serialized) {
    const { frames } = value;
    return frames.length === 1 ? Buffer.from(frames[0] ?? new Uint8Array(0)) : Buffer.concat(frames);
  }
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : null;
}
