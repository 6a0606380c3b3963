import { deserialize } from "node:v8";
import { RemoteValue, type RemoteKeeper } from "../../engine/values/remote-value.ts";
import { SluiceError } from "../../wire/errors.ts";
import { KEPT_FROM_BYTES } from "../cluster/carried-order.ts";
import type { BridgedEnd } from "../cluster/carried-end.ts";
import type { DaskConnection } from "./dask-connection.ts";
import type { DaskRun } from "./dask-run.ts";
import { FetchPace } from "./fetch-pace.ts";
import type { GraphTask, KeyEnd, Placement } from "./protocol/dask-client.ts";
import { PythonGlobal } from "./protocol/pickle.ts";
import { isRecord } from "./protocol/rpc.ts";
import { fetchResults, type KeyResult, type ResultLimits } from "./run-results.ts";

/** How a run is called on the cluster. */
export interface DaskCall extends Placement {
  readonly function: "task" | "flow" | "python";
  readonly args: GraphTask["args"];
}

/** Milliseconds until a result that was not where it should be is looked for again. */
const RETRY_MS = 100;
/** Bytes of results in one answer of a worker; a larger one comes alone. */
const TOGETHER: ResultLimits = { kept: KEPT_FROM_BYTES, together: 16 * 1024 * 1024 };
const UNLIMITED: ResultLimits = { kept: Number.MAX_SAFE_INTEGER, together: Number.MAX_SAFE_INTEGER };
/** Tries to fetch one value, each {@link RETRY_MS} after the other: its node may have died, and Dask makes it again elsewhere. */
const FETCH_TRIES = 600;

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
  readonly #open = new Map<string, DaskRun>();
  readonly #unsent = new Map<string, { readonly placement: Placement; readonly tasks: GraphTask[] }>();
  readonly #wanted = new Set<string>();
  /** Keys of values that are kept on the cluster. */
  readonly #kept = new Set<string>();
  readonly #pace: FetchPace;
  #isFetching = false;

  constructor(connection: DaskConnection) {
    this.#connection = connection;
    this.topic = `sluice-${connection.client.id}`;
    this.#pace = new FetchPace(() => void this.#fetch());
    connection.client.subscribe(this.topic, (event) => this.#startedBy(event));
  }

  submit(run: DaskRun, call: DaskCall): void {
    const { key } = run;
    this.#open.set(key, run);
    const task = {
      key,
      function: new PythonGlobal(this.#connection.module, call.function),
      args: call.args,
    };
    const { priority, annotations } = call;
    const group = JSON.stringify([priority, annotations]);
    const unsent = this.#unsent.get(group);
    if (unsent !== undefined) return void unsent.tasks.push(task);
    if (this.#unsent.size === 0) setImmediate(() => this.#send());
    this.#unsent.set(group, { placement: { priority, annotations }, tasks: [task] });
  }

  #send(): void {
    const groups = [...this.#unsent.values()];
    this.#unsent.clear();
    for (const { placement, tasks } of groups) {
      this.#connection.client.submit(tasks, placement, (key, end) => this.#keyEnded(key, end));
    }
  }

  #keyEnded(key: string, end: KeyEnd): void {
    const run = this.#open.get(key);
    if (run === undefined) return;
    if (end.how !== "memory") {
      this.#open.delete(key);
      this.#wanted.delete(key);
      run.failed(end);
      return;
    }
    this.#wanted.add(key);
    this.#fetchSoon();
  }

  /** `event` is `[time, {key, started_us}]` (dask_worker.py). */
  #startedBy(event: unknown): void {
    const message: unknown = Array.isArray(event) ? event[1] : undefined;
    if (!isRecord(message)) return;
    this.#open.get(String(message["key"]))?.started(Number(message["started_us"]));
  }

  #fetchSoon(): void {
    if (this.#isFetching || this.#wanted.size === 0) return;
    this.#pace.ended(
      { wanted: this.#wanted.size, waiting: this.#open.size - this.#wanted.size },
      this.#connection.client.size.threads,
    );
  }

  async #fetch(): Promise<void> {
    const keys = [...this.#wanted];
    this.#wanted.clear();
    this.#isFetching = true;
    const { missing, later } = await this.#fetchAll(keys);
    this.#isFetching = false;
    if (missing.length > 0) setTimeout(() => this.#wantAgain(missing), RETRY_MS);
    this.#wantAgain(later);
  }

  #wantAgain(keys: readonly string[]): void {
    for (const key of keys) if (this.#open.has(key)) this.#wanted.add(key);
    this.#fetchSoon();
  }

  /** Gives the keys whose results were nowhere, and those of which a worker had too much for one answer. */
  async #fetchAll(
    keys: readonly string[],
  ): Promise<{ readonly missing: readonly string[]; readonly later: readonly string[] }> {
    const { client } = this.#connection;
    const missing = new Set(keys);
    const later: string[] = [];
    const fetchFrom = async (worker: string | undefined, held: readonly string[]): Promise<void> => {
      const found = await fetchResults(this.#connection, { worker, keys: held, limits: TOGETHER });
      later.push(...found.later);
      for (const result of found.results) this.#deliver(result);
      for (const key of [...found.later, ...found.results.map((result) => result.key)]) missing.delete(key);
    };
    try {
      // The workers of a small cluster are asked for all keys: that costs less than to ask the scheduler first who has them.
      await Promise.all(client.size.workers.map((worker) => fetchFrom(worker, keys)));
      if (missing.size > 0) {
        const wanted = [...missing];
        const holders = await client.whoHas(wanted);
        const byWorker = Map.groupBy(wanted, (key) => holders.get(key)?.[0]);
        await Promise.all(Array.from(byWorker, ([worker, held]) => fetchFrom(worker, held)));
      }
    } catch {
      // The scheduler did not answer: its stream tells whether it is gone.
    }
    const kept = new Set([...missing, ...later, ...this.#kept]);
    client.release(keys.filter((key) => !kept.has(key)));
    return { missing: [...missing], later };
  }

  #deliver({ key, end, value, bytes }: KeyResult): void {
    const run = this.#open.get(key);
    this.#open.delete(key);
    if (run === undefined) return;
    if (value !== null) run.ended(end, value);
    else if (end.type === "python-completed") void this.#fetchPython(key, run, end);
    else run.ended(end, this.#keep(key, bytes, "value_hash" in end ? (end.value_hash ?? key) : key));
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
    for (let attempt = 0; attempt < FETCH_TRIES && this.#kept.has(key) && !client.isOver; attempt++) {
      const worker = (await client.whoHas([key])).get(key)?.[0];
      const { results } = await fetchResults(this.#connection, { worker, keys: [key], limits: UNLIMITED });
      const value = results[0]?.value ?? null;
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
}
