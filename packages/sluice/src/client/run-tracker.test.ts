import { describe, expect, test } from "vitest";
import type { RecordVerdict, RunRecord, RunRecordBatch, TransitionRecord } from "../wire/run-record.ts";
import { RunTracker, type RecordSource } from "./run-tracker.ts";
import type { ApiRequest, ApiResponse, Transport } from "./transport.ts";

/** A store at the end of a transport that tests put to sleep, fill up and wake. */
class Store implements Transport {
  readonly batches: RunRecordBatch[] = [];
  readonly logs: unknown[] = [];
  answer: (request: ApiRequest) => ApiResponse | Promise<ApiResponse> = () => ok();

  async send(request: ApiRequest): Promise<ApiResponse> {
    const response = await this.answer(request);
    if (response.status >= 300) return response;
    if (request.path === "/api/logs/") this.logs.push(...(JSON.parse(request.body ?? "[]") as unknown[]));
    else this.batches.push(JSON.parse(request.body ?? "") as RunRecordBatch);
    return response;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Names of the states stored of a run, in the order in which they came. */
  statesOf(id: string): readonly string[] {
    const records = this.batches.flatMap(({ records: all }) => all.filter((record) => record.id === id));
    return records.flatMap(({ transitions }) => transitions.map(([, name]) => name));
  }
}

const ok = (verdicts: readonly RecordVerdict[] = []): ApiResponse => ({
  status: 200,
  body: JSON.stringify({ verdicts }),
});
const full: ApiResponse = { status: 503, body: JSON.stringify({ code: "SLUICE_DISK_FULL" }) };

/** A run whose transitions a test makes. */
class Run implements RecordSource {
  openAt = -1;
  readonly id: string;
  isFinal = false;
  verdict: RecordVerdict | undefined;
  private readonly kind: "flow" | "task";
  private count = 0;
  private fresh: TransitionRecord[] = [];

  constructor(id: string, kind: "flow" | "task" = "task") {
    this.id = id;
    this.kind = kind;
  }

  enter(type: TransitionRecord[0]): this {
    this.fresh.push([type, type, this.count + this.fresh.length]);
    this.isFinal = type === "COMPLETED";
    return this;
  }

  takeRecord(): RunRecord | undefined {
    if (this.fresh.length === 0) return undefined;
    const record: RunRecord = { kind: this.kind, id: this.id, base: this.count, transitions: this.fresh };
    this.count += this.fresh.length;
    this.fresh = [];
    return record;
  }

  onVerdict(verdict: RecordVerdict): void {
    this.verdict = verdict;
  }
}

function open(options: { patienceMs?: number; ready?: Promise<void> } = {}) {
  const traits = { decides: false };
  const store = new Store();
  const troubles: string[] = [];
  const tracker = new RunTracker({
    transport: store,
    processId: "p",
    ready: options.ready?.then(() => traits) ?? traits,
    ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
    onTrouble: (message) => troubles.push(message),
  });
  const begin = (id: string, kind?: "flow" | "task") => {
    const run = new Run(id, kind).enter("PENDING");
    tracker.opened(run);
    return run;
  };
  const end = (run: Run) => {
    tracker.changed(run.enter("COMPLETED"));
    return run;
  };
  return { store, tracker, troubles, begin, end };
}

describe("the tracker", () => {
  test("sends one record for a run that ends before the flush", async () => {
    const { store, tracker, begin, end } = open();
    await tracker.acknowledged(end(begin("a")));
    expect(store.batches.map(({ records }) => records.length)).toEqual([1]);
    expect(store.statesOf("a")).toEqual(["PENDING", "COMPLETED"]);
  });

  test("announces a run that is still open, and what follows in order", async () => {
    const { store, tracker, begin, end } = open();
    const run = begin("a");
    await tracker.flush();
    expect(store.statesOf("a")).toEqual(["PENDING"]);
    await tracker.acknowledged(end(run));
    expect(store.batches.flatMap(({ records }) => records.map(({ base }) => base))).toEqual([0, 1]);
  });

  test("tells a parent before its children, also where the child ended first", async () => {
    const { store, tracker, begin, end } = open();
    begin("parent", "flow");
    end(begin("child"));
    await tracker.flush();
    expect(store.batches[0]?.records.map(({ id }) => id)).toEqual(["parent", "child"]);
  });

  test("acknowledges only what the store has answered for", async () => {
    const { store, tracker, begin, end } = open();
    const gate = Promise.withResolvers<ApiResponse>();
    store.answer = () => gate.promise;
    let acknowledged = false;
    const waiting = tracker.acknowledged(end(begin("a"))).then(() => (acknowledged = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(acknowledged).toBe(false);
    gate.resolve(ok());
    await waiting;
    expect(store.statesOf("a")).toEqual(["PENDING", "COMPLETED"]);
  });

  test("hands each verdict to its run", async () => {
    const { store, tracker, begin, end } = open();
    const state = { type: "CANCELLING", name: "Cancelling", message: null } as const;
    const verdict: RecordVerdict = { id: "f", status: "REJECT", reason: "cancelled", transition_count: 3, state };
    store.answer = () => ok([verdict]);
    const run = end(begin("f", "flow"));
    await tracker.acknowledged(run);
    expect(run.verdict).toEqual(verdict);
  });

  test("makes producers wait while too much is unacknowledged", async () => {
    const { store, tracker, begin, end } = open();
    const gate = Promise.withResolvers<ApiResponse>();
    store.answer = () => gate.promise;
    expect(tracker.room()).toBeUndefined();
    for (let i = 0; i < 3001; i++) end(begin(String(i)));
    const room = tracker.room();
    expect(room).toBeInstanceOf(Promise);
    gate.resolve(ok());
    await room;
    await tracker.flush();
    expect(store.batches.flatMap(({ records }) => records)).toHaveLength(3001);
  });

  test("keeps log lines in order", async () => {
    const { store, tracker } = open();
    for (let i = 0; i < 4500; i++) tracker.log({ i });
    await tracker.flush();
    expect(store.logs).toEqual(Array.from({ length: 4500 }, (_, i) => ({ i })));
  });

  test("gives the failure to open the store to every run that would start", async () => {
    const { tracker } = open({ ready: Promise.reject(new Error("no home")) });
    await expect(tracker.room()).rejects.toThrow("no home");
    await expect(tracker.room()).rejects.toThrow("no home");
  });
});

describe("a store that cannot take records", () => {
  test("is tried again until it can, and then has everything once", async () => {
    const { store, tracker, troubles, begin, end } = open();
    let refusals = 1;
    store.answer = () => (refusals-- > 0 ? full : ok());
    await tracker.acknowledged(end(begin("a")));
    expect(store.statesOf("a")).toEqual(["PENDING", "COMPLETED"]);
    expect(troubles).toHaveLength(1);
  });

  test("fails whoever waits when the patience is used up, and goes on when it is back", async () => {
    const { store, tracker, begin, end } = open({ patienceMs: 0 });
    store.answer = () => full;
    await expect(tracker.acknowledged(end(begin("a")))).rejects.toMatchObject({ code: "SLUICE_DISK_FULL" });
    await expect(tracker.acknowledged(end(begin("b")))).rejects.toMatchObject({ code: "SLUICE_DISK_FULL" });
    for (let i = 0; i < 3001; i++) end(begin(String(i)));
    await expect(tracker.room()).rejects.toMatchObject({ code: "SLUICE_DISK_FULL" });
    const back = Promise.withResolvers<void>();
    store.answer = () => {
      back.resolve();
      return ok();
    };
    await back.promise;
    while (store.statesOf("b").length === 0) await new Promise((resolve) => setImmediate(resolve));
    await tracker.flush();
    expect(store.statesOf("a")).toEqual(["PENDING", "COMPLETED"]);
    expect(store.batches.flatMap(({ records }) => records)).toHaveLength(3003);
    expect(tracker.room()).toBeUndefined();
  });

  test("that refuses for good fails those who wait and takes what comes after", async () => {
    const { store, tracker, troubles, begin, end } = open();
    store.answer = () => ({ status: 422, body: "no" });
    await expect(tracker.acknowledged(end(begin("a")))).rejects.toMatchObject({ code: "SLUICE_API_REFUSED" });
    store.answer = () => ok();
    await tracker.acknowledged(end(begin("b")));
    expect(store.statesOf("b")).toEqual(["PENDING", "COMPLETED"]);
    expect(troubles[0]).toContain("422");
  });

  test("that answers with what is no JSON is an error that says so", async () => {
    const { store, tracker, begin, end } = open();
    store.answer = () => ({ status: 200, body: "<html>" });
    store.send = () => Promise.resolve({ status: 200, body: "<html>" });
    await expect(tracker.acknowledged(end(begin("a")))).rejects.toThrow(/JSON.*<html>/);
  });
});
