import type { BridgedEnd } from "../cluster/carried-end.ts";
import type { DaskConnection } from "./dask-connection.ts";
import type { DaskRun } from "./dask-run.ts";
import { bytesOf, type GraphTask, type KeyEnd } from "./protocol/dask-client.ts";
import { PythonGlobal } from "./protocol/pickle.ts";
import { isRecord } from "./protocol/rpc.ts";

/** How a run is called on the cluster. */
export interface DaskCall {
  readonly isFlow: boolean;
  readonly args: GraphTask["args"];
  readonly annotations: Readonly<Record<string, unknown>>;
}

/** Milliseconds until a result that was not where it should be is looked for again. */
const RETRY_MS = 100;
const ALL_BYTES = Number.MAX_SAFE_INTEGER;

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
 * 3. A result that is gone when it is fetched (its worker has died) is waited for anew: Dask runs the key again.
 */
export class DaskMail {
  readonly topic: string;
  readonly #connection: DaskConnection;
  readonly #open = new Map<string, OpenRun>();
  readonly #unsent = new Map<string, { readonly annotations: DaskCall["annotations"]; readonly tasks: GraphTask[] }>();
  readonly #wanted = new Set<string>();
  #isFetching = false;

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
      function: new PythonGlobal(this.#connection.module, call.isFlow ? "flow" : "task"),
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
      // Those cancelled meanwhile are over.
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
    void this.#fetch();
  }

  /** `event` is `[time, {key, started_us}]` (dask_worker.py). */
  #startedBy(event: unknown): void {
    const message: unknown = Array.isArray(event) ? event[1] : undefined;
    if (!isRecord(message)) return;
    this.#open.get(String(message["key"]))?.run.started(Number(message["started_us"]));
  }

  async #fetch(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    while (this.#wanted.size > 0) {
      const keys = [...this.#wanted];
      this.#wanted.clear();
      const missing = await this.#fetchAll(keys);
      if (missing.length > 0) setTimeout(() => this.#wantAgain(missing), RETRY_MS);
    }
    this.#isFetching = false;
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
      client.release([...done]);
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
      answer = await client.callWorker(worker, `${module}_results`, { keys, limit: ALL_BYTES });
    } catch {
      // It has died meanwhile: Dask runs the keys again, or has them elsewhere.
      return [];
    }
    if (!isRecord(answer)) return [];
    for (const [key, result] of Object.entries(answer)) this.#deliver(key, result);
    return Object.keys(answer);
  }

  /** `result` is `[header, value]` (dask_worker.py). */
  #deliver(key: string, result: unknown): void {
    const open = this.#open.get(key);
    this.#open.delete(key);
    if (open === undefined || !Array.isArray(result)) return;
    const header = bytesOf(result[0]) ?? Buffer.alloc(0);
    const end = JSON.parse(header.toString("utf8")) as BridgedEnd; // the far side's, or the bridge's
    open.run.ended(end, bytesOf(result[1]) ?? Buffer.alloc(0));
  }
}
