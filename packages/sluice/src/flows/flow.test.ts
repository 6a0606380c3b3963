import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { completed, failed } from "../engine/state.ts";
import { useRecordingHost, type RecordingHost } from "../testing/recording-host.ts";
import type { FlowRunIdentity } from "../wire/run-record.ts";
import { flow } from "./flow.ts";
import { getRunLogger, runContext } from "./body/run-context.ts";
import { task } from "./task.ts";

let host: RecordingHost & Disposable;
beforeEach(() => {
  host = useRecordingHost();
});
afterEach(() => {
  host[Symbol.dispose]();
});

const double = task("double", (n: number) => n * 2);

function flowRun(name: string) {
  const found = host.tracker
    .recorded()
    .find((run) => run.kind === "flow" && (run.run as FlowRunIdentity).flow_name === name);
  if (found === undefined) throw new Error(`No flow run of "${name}" was recorded.`);
  return { ...found, run: found.run as FlowRunIdentity };
}

describe("a flow run", () => {
  test("goes Pending, Running, Completed and gives the value", async () => {
    const add = flow("add", async (a: number, b: number) => a + b);
    expect(await add(1, 2)).toBe(3);
    const run = flowRun("add");
    expect(run.transitions.map(([, name]) => name)).toEqual(["Pending", "Running", "Completed"]);
    expect(run.run.parameters).toEqual({ a: 1, b: 2 });
  });

  test("records the tasks it calls with its id", async () => {
    const run2 = flow("calls-tasks", async () => [await double(1), await double(2)]);
    expect(await run2()).toEqual([2, 4]);
    const run = flowRun("calls-tasks");
    const tasks = host.tracker.recorded().filter(({ kind }) => kind === "task");
    expect(tasks.map(({ run: task }) => task.name)).toEqual(["double-0", "double-1"]);
    expect(tasks.every(({ run: task }) => "flow_run_id" in task && task.flow_run_id === run.id)).toBe(true);
  });

  test("fails with the error of its body", async () => {
    const broken = flow("broken", () => {
      throw new RangeError("too big");
    });
    await expect(broken()).rejects.toThrow(new RangeError("too big"));
    expect(flowRun("broken").transitions.at(-1)?.slice(0, 2)).toEqual(["FAILED", "Failed"]);
  });

  test("gives its final state instead of throwing by safe()", async () => {
    const broken = flow("broken-safe", () => Promise.reject(new Error("no")));
    const state = await broken.safe();
    expect(state.type).toBe("FAILED");
    expect(state.type === "FAILED" && state.error.message).toBe("no");
  });

  test("ends in the state it returns", async () => {
    const own = flow("own-state", () => failed("I decided so", { name: "Rejected" }));
    const state = await own.safe();
    expect([state.type, state.name, state.message]).toEqual(["FAILED", "Rejected", "I decided so"]);
    const skipped = await flow("skipped", () => completed(5, { name: "Skipped" })).safe();
    expect([skipped.name, skipped.type === "COMPLETED" && skipped.data]).toEqual(["Skipped", 5]);
  });

  test("becomes the values of the futures it returns, or fails when one failed", async () => {
    const odd = task("odd-only", (n: number) => {
      if (n % 2 === 0) throw new Error(`even: ${n}`);
      return n;
    });
    const all = flow("returns-futures", (ns: number[]) => odd.map(ns));
    expect(await all([1, 3])).toEqual([1, 3]);
    const state = await all.safe([1, 2, 3]);
    expect([state.type, state.message]).toEqual(["FAILED", "1/3 states failed."]);
  });

  test("is not failed by a future that nobody returned or awaited", async () => {
    const boom = task("boom", () => Promise.reject(new Error("boom")));
    const calm = flow("calm", () => {
      boom.submit();
      return "done";
    });
    expect(await calm()).toBe("done");
    expect(host.tracker.stateNames("boom-0").at(-1)).toBe("Failed");
  });

  test("waits for everything it submitted before it ends", async () => {
    const order: string[] = [];
    const slow = task("slow", async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push("task");
    });
    const impatient = flow("impatient", () => {
      slow.submit();
      order.push("body");
    });
    await impatient();
    expect(order).toEqual(["body", "task"]);
  });

  test("waits for a branch that goes on from one child to the next after the body has returned", async () => {
    const order: string[] = [];
    const step = task("step", async (name: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push(name);
    });
    const branching = flow("branching", () => {
      void (async () => {
        await step("first");
        await step("second");
      })();
    });
    await branching();
    expect(order).toEqual(["first", "second"]);
  });

  test("refuses calls of code that it left behind when it ended", async () => {
    const late = Promise.withResolvers<void>();
    let refused: Promise<unknown> | undefined;
    const leaky = flow("leaky", () => {
      refused = late.promise.then(() => double(1));
    });
    await leaky();
    late.resolve();
    await expect(refused).rejects.toMatchObject({ code: "SLUICE_RUN_OVER" });
    expect(host.tracker.recorded().filter(({ kind }) => kind === "task")).toEqual([]);
  });

  test("validates and types its parameter by a schema", async () => {
    const etl = flow("etl", { params: z.object({ day: z.coerce.date(), n: z.number().default(3) }) }, (p) => [
      p.day.getUTCDate(),
      p.n,
    ]);
    expect(await etl({ day: "2026-01-31" })).toEqual([31, 3]);
    const state = await etl.safe({ day: "not a day" });
    expect(state.type === "FAILED" && state.error.message).toMatch(/etl.*day/s);
  });
});

describe("a subflow", () => {
  test("is linked to its parent by a tracking task run", async () => {
    const child = flow("child", (n: number) => n + 1);
    const parent = flow("parent", async () => child(1));
    expect(await parent()).toBe(2);
    const tracking = flowRun("child").run.parent_task_run;
    expect(tracking?.flow_run_id).toBe(flowRun("parent").id);
    expect(tracking?.name).toBe("child-0");
  });

  test("inherits tags and can be submitted on the event loop", async () => {
    const child = flow("tagged-child", { tags: ["own"] }, () => runContext().tags);
    const grandchild = task("tagged-task", { tags: ["step"] }, () => runContext().tags);
    const parent = flow("tagged-parent", { tags: ["team"] }, async () => [await child.submit(), await grandchild()]);
    expect(await parent()).toEqual([
      ["team", "own"],
      ["team", "step"],
    ]);
  });
});

describe("the run context", () => {
  test("names the run, its flow and its parameters", async () => {
    const inside = flow("context", { flowRunName: "context-of-{who}" }, async (who: string) => {
      const { flowRunName, flowName, parameters } = runContext();
      const inTask = await task("in-task", () => runContext().kind)();
      return { flowRunName, flowName, parameters, inTask, who };
    });
    expect(await inside("ann")).toMatchObject({
      flowRunName: "context-of-ann",
      flowName: "context",
      parameters: { who: "ann" },
      inTask: "task",
    });
  });

  test("logs to the run, and console output too where asked", async () => {
    const talk = flow("talk", { logPrints: true }, () => {
      getRunLogger().warning("careful: %d", 3);
      console.log("printed");
    });
    await talk();
    const { id } = flowRun("talk");
    const lines = host.tracker.logs.filter((line) => line.flow_run_id === id).map((line) => [line.level, line.message]);
    expect(lines).toContainEqual([30, "careful: 3"]);
    expect(lines).toContainEqual([20, "printed"]);
  });

  test("is refused outside runs", () => {
    expect(() => runContext()).toThrow(expect.objectContaining({ code: "SLUICE_NO_RUN_CONTEXT" }));
  });
});

describe("hooks", () => {
  test("are called with the run and its state, and cannot fail the run", async () => {
    const seen: string[] = [];
    const hooked = flow(
      "hooked",
      {
        onRunning: (run, state) => seen.push(`${run.of} ${state.name}`),
        onCompletion: [(_, state) => seen.push(state.name), () => Promise.reject(new Error("bad hook"))],
      },
      () => 1,
    );
    expect(await hooked()).toBe(1);
    expect(seen).toEqual(["hooked Running", "Completed"]);
    expect(host.tracker.logs.some((line) => line.message.includes("bad hook"))).toBe(true);
  });
});
