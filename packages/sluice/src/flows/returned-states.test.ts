import { afterEach, beforeEach, expect, test } from "vitest";
import type { TaskOptions } from "../engine/definition.ts";
import { completed, failed, type FinalState } from "../engine/state.ts";
import { useRecordingHost, type RecordingHost } from "../testing/recording-host.ts";
import { flow } from "./flow.ts";
import { task } from "./task.ts";

/*
 * What a task returns decides how it ends, as with a flow. The state types and messages are those of Prefect 3.8.8 for the same bodies.
 */
let host: RecordingHost & Disposable;
beforeEach(() => {
  host = useRecordingHost();
});
afterEach(() => {
  host[Symbol.dispose]();
});

async function endOf(body: () => unknown, options: TaskOptions = {}): Promise<FinalState<unknown>> {
  const run = task("run", options, body);
  let end: FinalState<unknown> | undefined;
  await flow("around", async () => {
    end = await run.safe();
  })();
  if (end === undefined) throw new Error("The task has not ended.");
  return end;
}

test("a state that a task returns is its own, with its value, name and message", async () => {
  expect(await endOf(() => completed(5, { name: "Skipped", message: "nothing new" }))).toMatchObject({
    type: "COMPLETED",
    name: "Skipped",
    message: "nothing new",
    data: 5,
  });
  expect(host.tracker.stateNames("run-0")).toEqual(["Pending", "Running", "Skipped"]);
});

test("a failed state fails the task without a throw, after its retries, and its call throws the state's error", async () => {
  let attempts = 0;
  const seen: unknown[] = [];
  const options = {
    retries: 2,
    retryCondition: (error: unknown) => seen.push(error) > 0,
    onFailure: (_run: unknown, state: { readonly message: string | null }) => seen.push(state.message),
  };
  const end = await endOf(() => {
    attempts++;
    return failed("no such table", { name: "NoTable" });
  }, options);
  expect(end).toMatchObject({ type: "FAILED", name: "NoTable", message: "no such table" });
  expect(attempts).toBe(3);
  expect(seen).toEqual([new Error("no such table"), new Error("no such table"), "no such table"]);
  const names = ["Pending", "Running", "Retrying", "Retrying", "NoTable"];
  expect(host.tracker.stateNames("run-0")).toEqual(names);
  const refuses = task("refuses", () => failed(new RangeError("too far")));
  await expect(flow("calls", async () => refuses())()).rejects.toThrow(RangeError);
});

test("a list of states is aggregated, any other list is a value", async () => {
  expect(await endOf(() => [completed(1), completed("b")])).toMatchObject({ type: "COMPLETED", data: [1, "b"] });
  expect(await endOf(() => [completed(1), failed("x")])).toMatchObject({
    type: "FAILED",
    message: "1/2 states failed.",
  });
  expect(await endOf(() => [])).toMatchObject({ type: "COMPLETED", data: [] });
  expect(await endOf(() => [completed(1), 2])).toMatchObject({ data: [{ type: "COMPLETED" }, 2] });
});

test("a cancelled child's state cancels the task that returns it, without another attempt", async () => {
  let attempts = 0;
  const inner = task("inner", () => 1);
  const end = await endOf(
    async () => {
      attempts++;
      const future = inner.submit();
      future.cancel("not wanted");
      return future.wait();
    },
    { retries: 3 },
  );
  expect(end).toMatchObject({ type: "CANCELLED", message: "not wanted" });
  expect(attempts).toBe(1);
});

test("a returned state is kept and cached by its value", async () => {
  expect(await endOf(() => completed({ n: 1 }, { message: "fresh" }), { persistResult: true })).toMatchObject({
    message: "fresh",
    data: { n: 1 },
  });
  const [stored] = [...host.memory.stored.values()];
  expect(JSON.parse(Buffer.from(stored?.body ?? []).toString())).toEqual({ n: 1 });
});
