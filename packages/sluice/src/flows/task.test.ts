import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { allowFailure, unmapped } from "../engine/context/call-arguments.ts";
import { asCompleted, gather, race, wait } from "../engine/context/combinators.ts";
import type { Future } from "../engine/context/future.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { TaskOptions } from "../engine/definition.ts";
import { useRecordingHost, type RecordingHost } from "../testing/recording-host.ts";
import { SluiceError } from "../wire/errors.ts";
import type { TaskRunIdentity } from "../wire/run-record.ts";
import { flow } from "./flow.ts";
import { runContext } from "./body/run-context.ts";
import { task } from "./task.ts";

let host: RecordingHost & Disposable;
let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
  host = useRecordingHost({ clock });
});
afterEach(() => {
  host[Symbol.dispose]();
});

const double = task("double", (n: number) => n * 2);
const sum = task("sum", (ns: readonly number[]) => ns.reduce((a, b) => a + b, 0));
const fails = task("fails", (message: string): Promise<number> => Promise.reject(new Error(message)));

function fail(message: string): never {
  throw new Error(message);
}

/** Runs a body as a flow of its own; boxed, because a returned state or future would decide the flow's end. */
async function inFlow<R>(body: () => R | Promise<R>): Promise<R> {
  const { value } = await flow("test-flow", async () => ({ value: await body() }))();
  return value;
}

describe("retries", () => {
  test("go on until one attempt succeeds, with the delays given", async () => {
    let calls = 0;
    const flaky = task("flaky", { retries: 3, retryDelaySeconds: [1, 10] }, () => {
      calls++;
      if (calls < 4) throw new Error("not yet");
      return calls;
    });
    const result = inFlow(() => flaky());
    for (const seconds of [1, 10, 10]) {
      await clock.untilAsleep();
      clock.advance(seconds * 1000);
    }
    expect(await result).toBe(4);
    expect(clock.slept).toEqual([1000, 10_000, 10_000]);
    expect(host.tracker.stateNames("flaky-0")).toEqual([
      "Pending",
      "Running",
      "AwaitingRetry",
      "Retrying",
      "AwaitingRetry",
      "Retrying",
      "AwaitingRetry",
      "Retrying",
      "Completed",
    ]);
  });

  test("stop when the condition says so", async () => {
    let calls = 0;
    const picky = task("picky", { retries: 5, retryCondition: (error) => !(error instanceof TypeError) }, () => {
      calls++;
      throw new TypeError("never retry this");
    });
    await expect(inFlow(() => picky())).rejects.toThrow("never retry this");
    expect(calls).toBe(1);
  });

  test.for<[string, TaskOptions, RegExp]>([
    [
      "a condition that throws",
      { retryCondition: () => fail("bad condition") },
      /Its retryCondition threw.*bad condition/,
    ],
    ["a delay that throws", { retryDelaySeconds: () => fail("bad delay") }, /Its retryDelaySeconds threw.*bad delay/],
    ["a delay that is no number", { retryDelaySeconds: () => NaN }, /seconds from 0 to 1000000000, got NaN/],
  ])("stop at %s, and keep the error of the body", async ([, options, logged]) => {
    const run = flow("picky-flow", { ...options, retries: 1 }, async () =>
      fails.with({ ...options, retries: 1 })("mine"),
    );
    await expect(run()).rejects.toThrow("mine");
    expect(host.tracker.logs.filter(({ message }) => logged.test(message))).toHaveLength(2);
  });

  test("end with the last error", async () => {
    const state = await fails.with({ retries: 2 }).safe("still no");
    expect(state.type === "FAILED" && state.error.message).toBe("still no");
  });
});

describe("timeouts", () => {
  test("fail a body that goes on too long, and abort its signal", async () => {
    let aborted = false;
    const slow = task("slow", { timeoutSeconds: 0.02 }, async () => {
      const { signal } = runContext();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted = true;
    });
    const state = await slow.safe();
    expect([state.type, state.name]).toEqual(["FAILED", "TimedOut"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(aborted).toBe(true);
  });

  test.for(["task", "flow"] as const)("of a %s are followed by the retries, with their delays", async (kind) => {
    let attempts = 0;
    const body = async () => {
      const { signal } = runContext();
      if (++attempts === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return attempts;
    };
    const options = { timeoutSeconds: 0.02, retries: 1, retryDelaySeconds: 5 };
    const slow = kind === "task" ? task("slow", options, body) : flow("slow", options, body);
    const result = slow();
    await clock.untilAsleep();
    clock.advance(5000);
    expect(await result).toBe(2);
  });

  test.for([Infinity, 3_000_000])("of %d s are longer than any timer, and not over at once", async (timeoutSeconds) => {
    const brief = task("brief", { timeoutSeconds }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return "done";
    });
    await inFlow(async () => {
      const future = brief.submit();
      const values: string[] = [];
      for await (const ended of asCompleted([future], { timeoutSeconds })) values.push(await ended);
      expect(values).toEqual(["done"]);
      expect(await brief.submit().result({ timeoutSeconds })).toBe("done");
    });
  });

  test("leave a run that waits for its retry to be cancelled", async () => {
    const slow = task("slow", { timeoutSeconds: 0.02, retries: 1, retryDelaySeconds: 5 }, async () => {
      const { signal } = runContext();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    const state = await inFlow(async () => {
      const future = slow.submit();
      await clock.untilAsleep();
      future.cancel("enough");
      return { ended: await future.wait() };
    });
    expect([state.ended.type, state.ended.message]).toEqual(["CANCELLED", "enough"]);
  });
});

describe("futures as arguments", () => {
  test("are awaited, and recorded as inputs", async () => {
    await inFlow(async () => {
      const first = double.submit(2);
      expect(await sum.submit([first, double.submit(3), 1]).result()).toBe(11);
    });
    const reduced = host.tracker.recorded().find(({ run }) => run.name === "sum-0")?.run as TaskRunIdentity;
    expect(reduced.task_inputs?.["ns"]?.map((input) => input.input_type)).toEqual(["task_run", "task_run"]);
  });

  test("keep a run from starting when they failed", async () => {
    const state = await inFlow(async () => double.submit(fails.submit("upstream broke")).wait());
    expect([state.type, state.name]).toEqual(["FAILED", "NotReady"]);
    expect(state.message).toContain("fails-0");
  });

  test("come as errors where failure is allowed", async () => {
    const look = task("look", (value: number | Error) => (value instanceof Error ? value.message : "fine"));
    expect(await inFlow(async () => look.submit(allowFailure(fails.submit("known"))).result())).toBe("known");
  });

  test("order runs without passing values by waitFor", async () => {
    const order: string[] = [];
    const slowFirst = task("slow-first", async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      order.push("first");
    });
    const second = task("second", () => order.push("second"));
    await inFlow(async () =>
      second
        .with({ waitFor: [slowFirst.submit()] })
        .submit()
        .result(),
    );
    expect(order).toEqual(["first", "second"]);
  });

  test("in a circle are an error at once", async () => {
    const holder: { future?: Future<unknown> } = {};
    const narcissist = task("narcissist", async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return holder.future;
    });
    const state = await inFlow(() => {
      holder.future = narcissist.submit();
      return holder.future.wait();
    });
    expect(state.type === "FAILED" && state.error).toMatchObject({ code: "SLUICE_CIRCULAR_FUTURE" });
  });
});

describe("map", () => {
  test("submits one run for each element, with unmapped values for all", async () => {
    const add = task("add", (a: number, b: number) => a + b);
    expect(await inFlow(() => gather(add.map([1, 2, 3], unmapped(10))))).toEqual([11, 12, 13]);
  });

  test("refuses strings, lengths that differ and more than 10,000 calls", async () => {
    const pair = task("pair", (a: unknown, b: unknown) => [a, b]);
    await inFlow(() => {
      expect(() => pair.map("ab", [1, 2])).toThrow(expect.objectContaining({ code: "SLUICE_MAP_INVALID" }));
      expect(() => pair.map([1], [1, 2])).toThrow(expect.objectContaining({ code: "SLUICE_MAP_INVALID" }));
      expect(() => double.map(Array.from({ length: 10_001 }, () => 1))).toThrow(
        expect.objectContaining({ code: "SLUICE_MAP_TOO_LARGE" }),
      );
    });
  });

  test("streams any length with a bounded number of open runs", async () => {
    let open = 0;
    let most = 0;
    const busy = task("busy", async (n: number) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return n;
    });
    let total = 0;
    await inFlow(async () => {
      for await (const future of busy.mapStream(
        Array.from({ length: 100 }, (_, i) => i),
        { window: 7 },
      ))
        total += await future;
    });
    expect(total).toBe(4950);
    expect(most).toBeLessThanOrEqual(7);
  });
});

describe("combinators", () => {
  test("give futures in the order in which they end", async () => {
    const after = task("after", async (ms: number) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return ms;
    });
    const seen: number[] = [];
    await inFlow(async () => {
      for await (const future of asCompleted(after.map([60, 1, 30]))) seen.push(await future);
    });
    expect(seen).toEqual([1, 30, 60]);
  });

  test("wait() parts what is over from what is not when the time is up", async () => {
    const release = Promise.withResolvers<void>();
    const held = task("held", () => release.promise);
    await inFlow(async () => {
      const futures = [double.submit(1), held.submit()];
      const { done, notDone } = await wait(futures, { timeoutSeconds: 0.05 });
      expect([done.length, notDone.length]).toEqual([1, 1]);
      release.resolve();
    });
  });

  test("what is no list of futures is refused with what to write instead", async () => {
    // Without a type check any of these may be written.
    const loose = { gather, wait, asCompleted, race } as unknown as Record<string, (...given: unknown[]) => unknown>;
    const refusal = (name: string, ...given: unknown[]): Promise<unknown> =>
      inFlow(async () => {
        const future = double.submit(1);
        const error = await Promise.resolve()
          .then(() => loose[name]?.(...given.map((one) => (one === "future" ? future : one))))
          .catch((thrown: unknown) => thrown);
        await future;
        return error instanceof SluiceError ? [error.code, error.message] : error;
      });
    const code = "SLUICE_OPTION_INVALID";
    expect(await refusal("gather", "future", "future")).toEqual([
      code,
      "gather() expected a list, as gather([a, b]), got a future.",
    ]);
    expect(await refusal("race", Promise.resolve(1))).toEqual([
      code,
      "race() expected a list, as race([a, b]), got a promise.",
    ]);
    expect(await refusal("wait", undefined)).toEqual([
      code,
      "wait() expected a list, as wait([a, b]), got a value of type undefined.",
    ]);
    expect(await refusal("asCompleted", ["future", 7])).toEqual([
      code,
      expect.stringContaining("asCompleted() expected a list of futures, got a value of type"),
    ]);
    expect(await refusal("race", [])).toEqual([code, expect.stringContaining("nothing could ever win")]);
  });

  test("race() gives the first value and cancels the losers", async () => {
    const stopped: string[] = [];
    const runner = task("runner", async (name: string, ms: number) => {
      const { signal } = runContext();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          stopped.push(name);
          resolve();
        });
      });
      return name;
    });
    const winner = await inFlow(() => race([runner.submit("hare", 5), runner.submit("snail", 60_000)]));
    expect(winner).toBe("hare");
    expect(stopped).toEqual(["snail"]);
    expect(host.tracker.stateNames("runner-1").at(-1)).toBe("Cancelled");
  });

  test("gather() can cancel the rest on a failure", async () => {
    const forever = task("forever", async () => {
      const { signal } = runContext();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    await expect(
      inFlow(() => gather([fails.submit("broke"), forever.submit()], { cancelOnFailure: true })),
    ).rejects.toThrow("broke");
    expect(host.tracker.stateNames("forever-0").at(-1)).toBe("Cancelled");
  });
});

describe("cancellation", () => {
  test("cascades to everything below and makes later calls throw", async () => {
    const started = Promise.withResolvers<void>();
    const inner = task("inner", async () => {
      started.resolve();
      const { signal } = runContext();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    const reached: string[] = [];
    const outer = flow("outer", async () => {
      await inner.safe();
      reached.push("after inner");
      await double(1);
      reached.push("after double");
    });
    await inFlow(async () => {
      const future = outer.submit();
      await started.promise;
      future.cancel("enough");
      const state = await future.wait();
      expect([state.type, state.message]).toEqual(["CANCELLED", "enough"]);
    });
    expect(reached).toEqual(["after inner"]);
    expect(host.tracker.stateNames("inner-0").at(-1)).toBe("Cancelled");
  });
});

describe("a run that is cancelled", () => {
  const never = task("never", async () => {
    const { signal } = runContext();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });

  test("while it waits for its arguments ends without them", async () => {
    const takes = flow("takes", (value: unknown) => value);
    const { states, upstream } = await inFlow(async () => {
      const held = never.submit();
      const waiting = [double.with({ waitFor: [held] }).submit(1), takes.submit(held)];
      for (const future of waiting) future.cancel("enough");
      const ended = await gather(waiting.map((future) => future.wait()));
      const open = held.state.type;
      held.cancel();
      return { states: ended.map(({ type, message }) => [type, message]), upstream: open };
    });
    expect(states).toEqual([
      ["CANCELLED", "enough"],
      ["CANCELLED", "enough"],
    ]);
    expect(upstream).toBe("RUNNING");
  });

  test.for(["task", "flow"])("before the body of a %s begins never begins it", async (kind) => {
    const ran: number[] = [];
    const hooked = { onRunning: async () => inHook.resolve(), retries: 1, retryDelaySeconds: 5 };
    const inHook = Promise.withResolvers<void>();
    const body = () => {
      ran.push(runContext().runCount);
      throw new Error("try again");
    };
    const victim = kind === "task" ? task("victim", hooked, body) : flow("victim", hooked, body);
    const { types } = await inFlow(async () => {
      const inTheHook = victim.submit();
      await inHook.promise;
      inTheHook.cancel();
      const first = await inTheHook.wait();
      const inTheDelay = victim.submit();
      await clock.untilAsleep();
      inTheDelay.cancel();
      return { types: [first.type, (await inTheDelay.wait()).type] };
    });
    expect(types).toEqual(["CANCELLED", "CANCELLED"]);
    expect(ran).toEqual([1]);
  });
});

describe("a task that calls others", () => {
  const started: (() => void)[] = [];
  const stopped: string[] = [];
  const wait = async (name: string) => {
    const { signal } = runContext();
    for (const tell of started.splice(0)) tell();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    stopped.push(name);
  };
  const innerTask = task("inner-task", () => wait("task"));
  const innerFlow = flow("inner-flow", () => wait("flow"));
  const outer = task("outer", async (kind: string) => (kind === "task" ? innerTask() : innerFlow.submit()));

  test.for(["task", "flow"])("takes the %s that it called along when it is cancelled", async (kind) => {
    stopped.length = 0;
    const { ended } = await inFlow(async () => {
      const isInside = new Promise<void>((resolve) => started.push(resolve));
      const future = outer.submit(kind);
      await isInside;
      future.cancel("enough");
      return { ended: await future.wait() };
    });
    expect([ended.type, ...stopped]).toEqual(["CANCELLED", kind]);
    expect(host.tracker.stateNames("outer-0").at(-1)).toBe("Cancelled");
  });

  test("takes them along when it has timed out", async () => {
    stopped.length = 0;
    const state = await outer.with({ timeoutSeconds: 0.02 }).safe("task");
    expect([state.name, ...stopped]).toEqual(["TimedOut", "task"]);
  });
});

describe("what is thrown and is no error", () => {
  test.for<[unknown, string]>([
    ["text", "text"],
    [undefined, "undefined"],
    [{ code: 5 }, "{ code: 5 }"],
    [Object.create(null), "[Object: null prototype] {}"],
  ])("%o is the cause of an error that describes it", async ([thrown, message]) => {
    const throws = task("throws", () => {
      throw thrown; // oxlint-disable-line typescript/only-throw-error -- what users do
    });
    const state = await throws.safe();
    expect(state.type === "FAILED" && [state.error.message, state.error.cause]).toEqual([message, thrown]);
  });
});

describe("console output", () => {
  test("of a task that asks for it is in its log", async () => {
    const talk = task("talk", { logPrints: true }, () => console.log("printed by a task"));
    await talk();
    expect(host.tracker.logs.map(({ message }) => message)).toEqual(["printed by a task"]);
  });
});

describe("declarations", () => {
  test("need a name", () => {
    expect(() => task((() => 1) as () => number)).toThrow(expect.objectContaining({ code: "SLUICE_NAME_MISSING" }));
  });

  test("refuse options that do not exist or have a wrong value", () => {
    expect(() => task("t", { retry: 3 } as object, () => 1)).toThrow(/no option "retry"/);
    expect(() => task("t", { retries: -1 }, () => 1)).toThrow(/"retries" expected a whole number from 0, got -1/);
  });
});
