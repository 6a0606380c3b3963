import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { setHost, type EngineHost } from "../engine/host.ts";
import type { TrackedRun } from "../engine/ports.ts";
import { RecordingTracker, useRecordingHost } from "../testing/recording-host.ts";
import type { RecordVerdict, TransitionRecord } from "../wire/run-record.ts";
import { flow } from "./flow.ts";
import { runContext } from "./body/run-context.ts";
import { task } from "./task.ts";

/*
 * The engine before a store that decides (a Prefect server): it names flow runs, and may answer a proposed transition with another state.
 */
type Reply = Partial<RecordVerdict> | undefined;

/** Answers each transition of a flow run as the test says; what it is not asked about is accepted. */
class DecidingTracker extends RecordingTracker {
  override readonly decides = true;
  readonly proposed: string[] = [];
  judge: (transition: TransitionRecord, run: { readonly name: string }) => Reply = () => undefined;
  private named = 0;

  override acknowledged(run: TrackedRun): Promise<void> {
    const record = run.takeRecord();
    if (record === undefined || record.kind === "task") return Promise.resolve();
    const count = record.base === "latest" ? 0 : record.base;
    const runId = record.base === 0 ? `server-${++this.named}` : record.id;
    const state = { type: "PENDING", name: "Pending", message: null } as const;
    const accepted: RecordVerdict = { id: record.id, status: "ACCEPT", reason: "", transition_count: count, state };
    for (const [index, transition] of record.transitions.entries()) {
      this.proposed.push(transition[1]);
      const reply = this.judge(transition, { name: record.run?.name ?? "" });
      if (reply !== undefined) {
        run.onVerdict({ ...accepted, run_id: runId, transition_count: count + index, status: "REJECT", ...reply });
        return Promise.resolve();
      }
    }
    run.onVerdict({ ...accepted, run_id: runId, transition_count: count + record.transitions.length });
    return Promise.resolve();
  }
}

let tracker: DecidingTracker;
let asked: { readonly path: string; readonly body: unknown }[];
let slotAnswers: number[];

beforeEach(() => {
  tracker = new DecidingTracker();
  asked = [];
  slotAnswers = [];
  const host: EngineHost = {
    ...useRecordingHost(),
    tracker,
    transport: {
      send: ({ path, body = "null" }) => {
        asked.push({ path, body: JSON.parse(body) as unknown });
        return Promise.resolve({ status: slotAnswers.shift() ?? 200, body: "{}" });
      },
      close: () => Promise.resolve(),
    },
  };
  setHost(host);
});
afterEach(() => setHost(undefined));

const at = (name: string, reply: Reply) => (transition: TransitionRecord) =>
  transition[1] === name ? reply : undefined;
const cancelled = { state: { type: "CANCELLED", name: "Cancelled", message: "by an operator" } } as const;

describe("a flow run before a store that decides", () => {
  test("has the id that the store gives it, in its body and below it", async () => {
    const parents: (string | null)[] = [];
    const child = flow("child", async () => parents.push(runContext().flowRunId));
    const parent = flow("parent", async () => {
      parents.push(runContext().flowRunId);
      await child();
    });
    await parent();
    expect(parents).toEqual(["server-1", "server-2"]);
    expect(tracker.proposed).toEqual(["Pending", "Running", "Pending", "Running", "Completed", "Completed"]);
  });

  test("does not start where the store says that it is over, and ends as the store says", async () => {
    let started = false;
    tracker.judge = at("Running", cancelled);
    const end = await flow("f", async () => (started = true)).safe();
    expect([started, end.type, end.message]).toEqual([false, "CANCELLED", "by an operator"]);
  });

  test("waits as long as the store says before it starts", async () => {
    let waits = 2;
    tracker.judge = ([, name]) =>
      name === "Running" && waits-- > 0
        ? { status: "WAIT", delay_seconds: 0.01, state: { type: "SCHEDULED", name: "Scheduled", message: null } }
        : undefined;
    expect(await flow("f", async () => runContext().runCount)()).toBe(1);
    expect(tracker.proposed).toEqual(["Pending", "Running", "Running", "Running", "Completed"]);
  });

  test("is tried again when the store does not take its failure", async () => {
    let attempts = 0;
    const retrying = { type: "SCHEDULED", name: "AwaitingRetry", message: null } as const;
    tracker.judge = ([, name]) =>
      name === "Failed" && attempts < 2 ? { delay_seconds: 0.01, state: retrying, reason: "Retrying" } : undefined;
    const stubborn = flow("f", async () => {
      attempts++;
      if (attempts < 3) throw new Error("no luck");
      return runContext().runCount;
    });
    await expect(stubborn()).rejects.toThrow("no luck");
    expect(attempts).toBe(2);
    expect(tracker.proposed).toEqual(["Pending", "Running", "Failed", "Running", "Failed"]);
  });

  test("ends as cancelled when the store answers its end with Cancelling", async () => {
    const cancelling = { state: { type: "CANCELLING", name: "Cancelling", message: "stop" } } as const;
    tracker.judge = at("Completed", cancelling);
    const end = await flow("f", async () => 1).safe();
    expect([end.type, end.message]).toEqual(["CANCELLED", "stop"]);
    expect(tracker.proposed.at(-1)).toBe("Cancelled");
  });

  test("is never reported as over when the store refuses its end", async () => {
    const running = { type: "RUNNING", name: "Running", message: null } as const;
    tracker.judge = at("Completed", { status: "ABORT", state: running, reason: "not yours" });
    await expect(flow("f", async () => 1).safe()).rejects.toMatchObject({
      code: "SLUICE_API_REFUSED",
      message: expect.stringContaining("not yours") as unknown,
    });
  });

  test("does not start where the store refuses to create it", async () => {
    tracker.judge = at("Pending", { status: "ABORT", reason: "parameters are too large" });
    await expect(flow("f", async () => 1)()).rejects.toThrow("parameters are too large");
  });
});

describe("a task run before a store that decides", () => {
  test("asks for the slots of its tags until it has them, and only with tags", async () => {
    slotAnswers = [423, 423, 200];
    const plain = task("plain", () => 1);
    const limited = task("limited", { tags: ["db"] }, () => 2);
    expect(await flow("f", async () => [await plain(), await limited()])()).toEqual([1, 2]);
    const request = {
      path: "/api/sluice/tag-slots",
      body: { task_run_id: expect.any(String) as unknown, tags: ["db"] },
    };
    expect(asked).toEqual([request, request, request]);
  });

  test("fails with the server's words when slots cannot be asked for", async () => {
    slotAnswers = [400];
    const limited = task("limited", { tags: ["db"] }, () => 2);
    await expect(flow("f", async () => limited())()).rejects.toMatchObject({ code: "SLUICE_API_REFUSED" });
  });
});
