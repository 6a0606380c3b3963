import { deserialize } from "node:v8";
import { RemoteValue, type RemoteKeeper } from "../../engine/values/remote-value.ts";
import { SluiceError } from "../../wire/errors.ts";
import { KEPT_FROM_BYTES } from "../cluster/carried-order.ts";
import type { BridgedEnd } from "../cluster/carried-end.ts";
import type { DaskConnection } from "./dask-connection.ts";
import type { DaskRun } from "./dask-run.ts";
import { bytesOf, type GraphTask, type KeyEnd } from "./protocol/dask-client.ts";
import { PythonGlobal } from "./protocol/pickle.ts";
import { isRecord } from "./protocol/rpc.ts";

/** How a run is called on the cluster. */
export interface DaskCall {
  readonly function: "task" | "flow" | "python";
  readonly args: GraphTask["args"];
  readonly annotations: Readonly<Record<string, unknown>>;
}

/** Results are fetched together: while many runs are open, a part of them is waited for, at most this many milliseconds. */
const TOGETHER_MS = 20;
const TOGETHER_PART = 2;
const TOGETHER_MOST = 500;
/** Milliseconds until a result that was not where it should be is looked for again. */
const RETRY_MS = 100;
const ALL_BYTES = Number.MAX_SAFE_INTEGER;
/** Tries to fetch one value, each {@link RETRY_MS} after the other: its node may have died, and Dask makes it again elsewhere. */
const FETCH_TRIES = 600;

interface OpenRun {
  readonly run: DaskRun;
  /** `waiting` for its key, whose result is then `wanted`, and being fetched. */
  state: "waiting" | "wanted";
}

/**
 * What goes to a cluster and comes back, for all runs of one connection.
 *
 * 1. Runs submitted in one turn of the event loop with equal annotations go there as one update of the graph: a `map` is one message.
 * 2. Ends are fetched from the workers that hold them, many at a time, and released at once: nothing that is over can be run again when its worker dies.
 * 3. A large value stays where it is ({@link RemoteValue}) until this process wants it, or nobody does.
 * 4. A result that is gone when it is fetched (its worker has died) is waited for anew: Dask runs the key again.
 */
export class DaskMail {
  readonly topic: string;
  readonly #connection: DaskConnection;
  readonly #open = new Map<string, OpenRun>();
  readonly #unsent = new Map<string, { readonly annotations: DaskCall["annotations"]; readonly tasks: GraphTask[] }>();
  readonly #wanted = new Set<string>();
  /** Keys of values that are kept on the cluster. */
  readonly #kept = new Set<string>();
  #isFetching = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: DaskConnection) {
    this.#connection = connection;
    this.topic = `sluice-${connection.client.id}`;
    connection.client.subscribe(this.topic, (event) => this.#startedBy(event));
  }

  submit(run: DaskRun, call: DaskCall): void {
    const { key } = run;
    this.#open.set(key, { run, state: "waiting" });
    const task = {
      key,
      function: new PythonGlobal(this.#connection.module, call.function),
      args: call.args,
    };
    const group = JSON.stringify(call.annotations);
    const unsent = this.#unsent.get(group);
    if (unsent !== undefined) return void unsent.tasks.push(task);
    if (this.#unsent.size === 0) setImmediate(() => this.#send());
    this.#unsent.set(group, { annotations: call.annotations, tasks: [task] });
  }

  #send(): void {
    const groups = [...this.#unsent.values()];
    this.#unsent.clear();
    for (const { annotations, tasks } of groups) {
      this.#connection.client.submit(tasks, annotations, (key, end) => this.#keyEnded(key, end));
    }
  }

  #keyEnded(key: string, end: KeyEnd): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    if (end.how !== "memory") {
      this.#open.delete(key);
      open.run.failed(end);
      return;
    }
    open.state = "wanted";
    this.#wanted.add(key);
    this.#fetchSoon();
  }

  /** `event` is `[time, {key, started_us}]` (dask_worker.py). */
  #startedBy(event: unknown): void {
    const message: unknown = Array.isArray(event) ? event[1] : undefined;
    if (!isRecord(message)) return;
    this.#open.get(String(message["key"]))?.run.started(Number(message["started_us"]));
  }

  /** Each fetch costs the scheduler a request, so it is worth a moment while others are about to end. */
  #fetchSoon(): void {
    if (this.#wanted.size >= Math.min(this.#open.size / TOGETHER_PART, TOGETHER_MOST)) void this.#fetch();
    else this.#timer ??= setTimeout(() => void this.#fetch(), TOGETHER_MS);
  }

  async #fetch(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isFetching) return;
    this.#isFetching = true;
    while (this.#wanted.size > 0) {
      const keys = [...this.#wanted];
      this.#wanted.clear();
      const missing = await this.#fetchAll(keys);
      if (missing.length > 0) setTimeout(() => this.#wantAgain(missing), RETRY_MS);
      if (this.#wanted.size < Math.min(this.#open.size / TOGETHER_PART, TOGETHER_MOST)) break;
    }
    this.#isFetching = false;
    if (this.#wanted.size > 0) this.#fetchSoon();
  }

  #wantAgain(keys: readonly string[]): void {
    for (const key of keys) if (this.#open.has(key)) this.#wanted.add(key);
    void this.#fetch();
  }

  /** Gives the keys whose results were nowhere. */
  async #fetchAll(keys: readonly string[]): Promise<readonly string[]> {
    const { client } = this.#connection;
    try {
      const holders = await client.whoHas(keys);
      const byWorker = Map.groupBy(keys, (key) => holders.get(key)?.[0]);
      const found = await Promise.all(Array.from(byWorker, ([worker, held]) => this.#fetchFrom(worker, held)));
      const done = new Set(found.flat());
      client.release([...done].filter((key) => !this.#kept.has(key)));
      return keys.filter((key) => !done.has(key));
    } catch {
      // The scheduler did not answer: its stream tells whether it is gone.
      return keys;
    }
  }

  async #fetchFrom(worker: string | undefined, keys: readonly string[]): Promise<readonly string[]> {
    if (worker === undefined) return [];
    const { client, module } = this.#connection;
    let answer: unknown;
    try {
      answer = await client.callWorker(worker, `${module}_results`, { keys, limit: KEPT_FROM_BYTES });
    } catch {
      // It has died meanwhile: Dask runs the keys again, or has them elsewhere.
      return [];
    }
    if (!isRecord(answer)) return [];
    for (const [key, result] of Object.entries(answer)) {
      if (Array.isArray(result)) this.#deliver(key, result);
    }
    return Object.keys(answer);
  }

  /** `result` is `[header, value, bytes of the value]`, the value null where it is large (dask_worker.py). */
  #deliver(key: string, result: readonly unknown[]): void {
    const open = this.#open.get(key);
    this.#open.delete(key);
    if (open === undefined) return;
    const header = bytesOf(result[0]) ?? Buffer.alloc(0);
    const end = JSON.parse(header.toString("utf8")) as BridgedEnd; // the far side's, or the bridge's
    const value = bytesOf(result[1]);
    if (value !== null) open.run.ended(end, value);
    else if (end.type === "python-completed") void this.#fetchPython(key, open.run, end);
    else open.run.ended(end, this.#keep(key, Number(result[2]), "value_hash" in end ? (end.value_hash ?? key) : key));
  }

  /** Python's values are not for other runs as they are. */
  async #fetchPython(key: string, run: DaskRun, end: BridgedEnd): Promise<void> {
    this.#kept.add(key);
    try {
      run.ended(end, await this.#fetchBytes(key));
    } catch (error) {
      run.failed({ how: "lost", reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #keep(key: string, bytes: number, hash: string): RemoteValue {
    this.#kept.add(key);
    const keeper: RemoteKeeper = {
      fetch: () => this.#fetchKept(key),
      keyFor: (asker) => (asker === this && this.#kept.has(key) ? key : undefined),
      release: () => this.#drop(key),
    };
    const value = new RemoteValue({ bytes, hash, keeper });
    this.#unwanted.register(value, key);
    return value;
  }

  readonly #unwanted = new FinalizationRegistry<string>((key) => this.#drop(key));

  #drop(key: string): void {
    if (this.#kept.delete(key)) this.#connection.client.release([key]);
  }

  async #fetchKept(key: string): Promise<unknown> {
    return deserialize(await this.#fetchBytes(key));
  }

  async #fetchBytes(key: string): Promise<Buffer> {
    const { client } = this.#connection;
    for (let attempt = 0; attempt < FETCH_TRIES && this.#kept.has(key); attempt++) {
      const worker = (await client.whoHas([key])).get(key)?.[0];
      const answer = await this.#resultsOf(worker, key);
      const value = Array.isArray(answer) ? bytesOf(answer[1]) : null;
      if (value !== null) {
        this.#drop(key);
        return value;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    throw new SluiceError(
      "SLUICE_RESULT_MISSING",
      `The value of ${key} was kept on the cluster ${client.address}, and is there no more${this.#kept.has(key) ? ": its worker is gone, and no other has made it again" : ": the flow run that it belonged to is over"}.`,
    );
  }

  async #resultsOf(worker: string | undefined, key: string): Promise<unknown> {
    if (worker === undefined) return undefined;
    const { client, module } = this.#connection;
    try {
      const answer = await client.callWorker(worker, `${module}_results`, { keys: [key], limit: ALL_BYTES });
      return isRecord(answer) ? answer[key] : undefined;
    } catch {
      // It has died meanwhile.
      return undefined;
    }
  }
}
