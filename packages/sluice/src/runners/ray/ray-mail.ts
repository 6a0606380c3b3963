import { deserialize } from "node:v8";
import { RemoteValue, type RemoteKeeper } from "../../engine/values/remote-value.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { BridgedEnd } from "../cluster/carried-end.ts";
import type { RayEvent, RayLine } from "./ray-line.ts";
import type { RayOrders, RayRun, RayTask } from "./ray-run.ts";

/**
 * What goes to a driver and comes back, for all runs of one connection.
 *
 * Runs submitted in one turn of the event loop go there in one message. A large value stays in the cluster's object store until this process wants it, or nobody does.
 */
export class RayMail implements RayOrders {
  readonly sdk: string;
  readonly #line: RayLine;
  readonly #open = new Map<string, RayRun>();
  readonly #kept = new Map<string, PromiseWithResolvers<unknown> | null>();
  /** Values that are on their way here. */
  #fetching = 0;
  #tasks: RayTask[] = [];
  #parts: Uint8Array[] = [];

  constructor(line: RayLine, sdk: string) {
    this.#line = line;
    this.sdk = sdk;
    line.onEvent((event, content) => this.#receive(event, content));
  }

  submit(run: RayRun, task: RayTask, parts: readonly Uint8Array[]): void {
    this.#open.set(run.key, run);
    if (this.#tasks.length === 0) setImmediate(() => this.#send());
    this.#tasks.push(task);
    this.#parts.push(...parts);
  }

  cancel(key: string, how: { readonly message: string; readonly force: boolean }): void {
    this.#line.send({ op: "cancel", key, ...how });
  }

  /** Lets the process end, unless a value is on its way here. */
  unref(): void {
    if (this.#fetching === 0) this.#line.unref();
  }

  /** Ends all runs: the driver is gone. */
  lost(reason: string): void {
    for (const run of this.#open.values()) run.lost(reason);
    this.#open.clear();
    for (const wanted of this.#kept.values()) wanted?.reject(missing(reason));
    this.#kept.clear();
  }

  #send(): void {
    const [tasks, parts] = [this.#tasks, this.#parts];
    this.#tasks = [];
    this.#parts = [];
    this.#line.send({ op: "submit", tasks }, parts);
  }

  #receive(event: RayEvent, content: Buffer): void {
    const { key = "" } = event;
    const run = this.#open.get(key);
    switch (event.event) {
      case "started":
        run?.started(Number(event["started_us"]));
        return;
      case "ended":
        this.#open.delete(key);
        run?.ended(...this.#endOf(key, content));
        return;
      case "failed":
        this.#open.delete(key);
        run?.failed(String(event["class"]), String(event["message"]));
        return;
      case "value":
        this.#arrived(key, event["lost"], content);
        return;
      default:
        process.stderr.write(`sluice: the bridge to Ray tells of ${event.event}: ${String(event["message"])}\n`);
    }
  }

  /** `u32 length of the header | header | value` (ray_driver.py). */
  #endOf(key: string, content: Buffer): [BridgedEnd, Buffer | RemoteValue] {
    const size = content.readUInt32LE(0) + 4;
    // The far side's, or the bridge's.
    const end = JSON.parse(content.subarray(4, size).toString("utf8")) as BridgedEnd & { kept_bytes?: number };
    const { kept_bytes: bytes, ...own } = end;
    if (bytes === undefined) return [own, content.subarray(size)];
    return [own, this.#keep(key, bytes, ("value_hash" in own ? own.value_hash : undefined) ?? key)];
  }

  #keep(key: string, bytes: number, hash: string): RemoteValue {
    this.#kept.set(key, null);
    const keeper: RemoteKeeper = {
      fetch: () => this.#fetch(key),
      keyFor: (asker) => (asker === this && this.#kept.get(key) === null ? key : undefined),
      release: () => this.#drop(key),
    };
    const value = new RemoteValue({ bytes, hash, keeper });
    this.#unwanted.register(value, key);
    return value;
  }

  readonly #unwanted = new FinalizationRegistry<string>((key) => this.#drop(key));

  #drop(key: string): void {
    if (this.#kept.get(key) === null) this.#release(key);
  }

  #release(key: string): void {
    if (this.#kept.delete(key)) this.#line.send({ op: "release", keys: [key] });
  }

  #fetch(key: string): Promise<unknown> {
    if (!this.#kept.has(key)) return Promise.reject(missing("the flow run that it belonged to is over"));
    const wanted = Promise.withResolvers<unknown>();
    this.#kept.set(key, wanted);
    this.#fetching += 1;
    this.#line.ref();
    this.#line.send({ op: "fetch", key });
    return wanted.promise.finally(() => {
      this.#fetching -= 1;
      if (this.#open.size === 0) this.unref();
    });
  }

  #arrived(key: string, lost: unknown, content: Buffer): void {
    const wanted = this.#kept.get(key);
    this.#release(key);
    if (typeof lost === "string") wanted?.reject(missing(lost));
    else wanted?.resolve(deserialize(content));
  }
}

function missing(reason: string): SluiceError {
  return new SluiceError(
    "SLUICE_RESULT_MISSING",
    `A value was kept on the Ray cluster, and is there no more: ${reason}.`,
  );
}
