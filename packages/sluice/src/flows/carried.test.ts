import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cacheKeyFunction } from "../engine/results/cache-policy.ts";
import type { CarryOptions, TaskRunner } from "../engine/task-runner.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { useRecordingHost, type RecordingHost } from "../testing/recording-host.ts";
import type { RunEnd, RunSpec } from "../wire/run-spec.ts";
import { ConcurrentTaskRunner } from "../runners/index.ts";
import { flow } from "./flow.ts";
import { task } from "./task.ts";

/*
 * The near side of carried runs: what it reports and decides when its runner says how a run ended. The runner is moved by hand; the suites in `runners/` use real
 * threads and processes.
 */
let host: RecordingHost & Disposable;
let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
  host = useRecordingHost({ clock });
});
afterEach(() => {
  host[Symbol.dispose]();
});

const lost: RunEnd = {
  type: "crashed",
  error: { name: "SluiceError", code: "SLUICE_WORKER_CRASHED", message: "the worker died" },
  retryable: true,
  reported: false,
};
const done: RunEnd = { type: "completed", value: 7, state_name: "Completed", reported: true };

/** A runner that gives these ends, one after another, and keeps the specs it was given. */
class ScriptedRunner implements TaskRunner {
  readonly description = { kind: "process", options: {} } as const;
  readonly specs: RunSpec[] = [];
  private readonly ends: ((options: CarryOptions) => RunEnd | Promise<RunEnd>)[];

  constructor(...ends: readonly (RunEnd | ((options: CarryOptions) => RunEnd | Promise<RunEnd>))[]) {
    this.ends = ends.map((end) => (typeof end === "function" ? end : () => end));
  }

  async carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    this.specs.push(spec);
    const end = this.ends.shift();
    if (end === undefined) throw new Error("The script of the runner has ended.");
    return end(options);
  }
}

const work = task("work", (x: number) => x);
const child = flow("child", { tags: ["own"] }, (x: number) => x);
const hooks: string[] = [];
const watched = work.with({
  retryDelaySeconds: 5,
  onCrashed: (run, state) => hooks.push(`${run.name} ${state.name}`),
  onFailure: (_, state) => hooks.push(state.name),
});
const listed = work.with({ onCompletion: [() => hooks.push("listed")] });
const keyed = work.with({ cachePolicy: cacheKeyFunction(() => "key") });
const stored = work.with({
  resultStorage: { read: async () => undefined, write: async () => undefined, delete: async () => undefined },
});
const elsewhere = new ScriptedRunner(done);
const carriedChild = child.with({ taskRunner: elsewhere, onCompletion: () => hooks.push("elsewhere") });
const asked: unknown[] = [];
const retryCondition = (error: unknown) => {
  asked.push(error);
  return false;
};
const picky = task("picky", { retries: 3, retryCondition }, (x: number) => x);

function submitOn(runner: TaskRunner, submitted = work) {
  return flow("near", { taskRunner: runner }, async () => ({ state: await submitted.submit(1).wait() }))();
}

describe("a carried run", () => {
  test("that its far side has reported is not reported again", async () => {
    const { state } = await submitOn(new ScriptedRunner(done));
    expect(state.type === "COMPLETED" && state.data).toBe(7);
    expect(host.tracker.stateNames("work-0")).toEqual([]);
  });

  test("has the message that its far side gave the state", async () => {
    const runner = new ScriptedRunner(
      { ...done, state_message: "All states completed." },
      {
        type: "failed",
        error: { name: "Error", message: "no" },
        state_name: "Rejected",
        state_message: "Not today",
        reported: true,
      },
    );
    expect((await submitOn(runner)).state.message).toBe("All states completed.");
    expect((await submitOn(runner)).state).toMatchObject({ name: "Rejected", message: "Not today" });
  });

  test("is reported as Crashed here when its executor is lost", async () => {
    const { state } = await submitOn(new ScriptedRunner(lost));
    expect([state.type, state.message]).toEqual(["CRASHED", "the worker died"]);
    expect(host.tracker.stateNames("work-0")).toEqual(["Pending", "Crashed"]);
  });

  test("is carried again, as the same run, while retries are left", async () => {
    const runner = new ScriptedRunner(lost, done);
    const retried = submitOn(runner, work.with({ retries: 1, retryDelaySeconds: 5 }));
    await clock.untilAsleep();
    clock.advance(5000);
    const { state } = await retried;
    expect(state.type).toBe("COMPLETED");
    expect(runner.specs.map(({ run_id, run_count }) => [run_id === runner.specs[0]?.run_id, run_count])).toEqual([
      [true, 0],
      [true, 1],
    ]);
    expect(host.tracker.stateNames("work-0")).toEqual(["Pending", "AwaitingRetry"]);
  });

  test("is not carried again where a retry cannot help", async () => {
    const runner = new ScriptedRunner({ ...lost, retryable: false });
    const { state } = await submitOn(runner, work.with({ retries: 3 }));
    expect(state.type).toBe("CRASHED");
    expect(runner.specs).toHaveLength(1);
  });

  test("is not carried again when the retry condition says so", async () => {
    const runner = new ScriptedRunner(lost);
    const { state } = await submitOn(runner, picky);
    expect(state.type).toBe("CRASHED");
    expect(asked).toEqual([expect.objectContaining({ code: "SLUICE_WORKER_CRASHED" })]);
  });

  test("shows Running with the time that its far side gives", async () => {
    const startedUs = clock.nowUs() + 500;
    const runner = new ScriptedRunner(({ onStart }) => {
      onStart?.(startedUs);
      return lost;
    });
    await submitOn(runner);
    const recorded = host.tracker.recorded().find(({ run }) => run.name === "work-0");
    expect(recorded?.transitions.map(([, name]) => name)).toEqual(["Pending", "Running", "Crashed"]);
    expect(recorded?.transitions[1]?.[2]).toBe(startedUs);
  });

  test("calls the hooks of an end that its far side could not report", async () => {
    hooks.length = 0;
    await submitOn(new ScriptedRunner(lost), watched);
    const timedOut: RunEnd = {
      type: "failed",
      error: { name: "SluiceError", code: "SLUICE_TIMED_OUT", message: "too long" },
      state_name: "TimedOut",
      reported: false,
    };
    await submitOn(new ScriptedRunner(timedOut), watched);
    await submitOn(new ScriptedRunner({ ...timedOut, reported: true }), watched);
    expect(hooks).toEqual(["work-0 Crashed", "TimedOut"]);
  });

  test("that is cancelled and was terminated is reported as Cancelled here", async () => {
    const runner = new ScriptedRunner(
      ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve({ type: "cancelled", message: "", reported: false }));
        }),
    );
    const state = await flow("cancels", { taskRunner: runner }, async () => {
      const future = work.submit(1);
      setImmediate(() => future.cancel("enough"));
      return { state: await future.wait() };
    })();
    expect([state.state.type, state.state.message]).toEqual(["CANCELLED", "enough"]);
    expect(host.tracker.stateNames("work-0").at(-1)).toBe("Cancelled");
  });

  test("whose arguments do not come is never carried, and records none of them", async () => {
    const runner = new ScriptedRunner();
    const broken = task("broken", () => Promise.reject(new Error("no value")));
    const never = Promise.withResolvers<number>();
    const { states } = await flow("waits", { taskRunner: runner }, async () => {
      const here = broken.with({ taskRunner: new ConcurrentTaskRunner() }).submit();
      const notReady = child.submit(here);
      const cancelled = child.submit(never.promise);
      cancelled.cancel("enough");
      return { states: [await notReady.wait(), await cancelled.wait()] };
    })();
    expect(states.map(({ type, name }) => [type, name])).toEqual([
      ["FAILED", "NotReady"],
      ["CANCELLED", "Cancelled"],
    ]);
    const parameters = host.tracker.recorded().flatMap(({ run }) => ("parameters" in run ? [run.parameters] : []));
    // Those of the parent and of both children.
    expect(parameters).toEqual([{}, {}, {}]);
  });

  test("is adopted by a retried parent and not carried again", async () => {
    const runner = new ScriptedRunner(done);
    let attempt = 0;
    const parent = flow("retries", { retries: 1, taskRunner: runner }, async () => {
      const value = await work.submit(1);
      if (++attempt === 1) throw new Error("once");
      return value;
    });
    expect(await parent()).toBe(7);
    expect(runner.specs).toHaveLength(1);
  });

  test("takes what with() was given at the top level of a module, whatever holds the functions", async () => {
    const runner = new ScriptedRunner(done, done, done);
    for (const copy of [listed, keyed, stored]) expect((await submitOn(runner, copy)).state.type).toBe("COMPLETED");
    expect(new Set(runner.specs.map((spec) => spec.function.ordinal)).size).toBe(3);
  });

  test("goes where with() says, also when a function is among the options", async () => {
    const state = await flow("elsewhere", async () => ({ state: await carriedChild.submit(3).wait() }))();
    expect([state.state.type, elsewhere.specs.length]).toEqual(["COMPLETED", 1]);
  });

  test("names its parent, its identity and its depth in the spec", async () => {
    const runner = new ScriptedRunner(done);
    await flow("parent", { taskRunner: runner, tags: ["team"] }, async () => child.submit(3).result())();
    const parent = host.tracker.recorded().find(({ kind }) => kind === "flow");
    expect(runner.specs[0]).toMatchObject({
      kind: "flow",
      flow_run_id: parent?.id,
      depth: 1,
      tags: ["team"],
      args: [3],
    });
    expect(runner.specs[0]?.parent_task_run_id).toEqual(expect.any(String));
  });
});
