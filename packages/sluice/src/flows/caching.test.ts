import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { INPUTS, NO_CACHE, TASK_SOURCE, cacheKeyFunction } from "../engine/results/cache-policy.ts";
import type { TaskOptions } from "../engine/definition.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { useRecordingHost, type RecordingHost } from "../testing/recording-host.ts";
import { flow } from "./flow.ts";
import { task } from "./task.ts";
import { transaction } from "./body/transaction.ts";

let host: RecordingHost & Disposable;
let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
  host = useRecordingHost({ clock });
});
afterEach(() => {
  host[Symbol.dispose]();
});

/** A task that counts its executions. */
function counted(options: TaskOptions) {
  const counter = { calls: 0 };
  const run = task("counted", options, (x: number) => {
    counter.calls++;
    return { x };
  });
  return { counter, run };
}

describe("a cached task", () => {
  test("gives the stored value to an equal call, in the state Cached", async () => {
    const { counter, run } = counted({ cachePolicy: INPUTS.and(TASK_SOURCE) });
    const f = flow("f", async () => [await run(1), await run(1), await run(2)]);
    expect(await f()).toEqual([{ x: 1 }, { x: 1 }, { x: 2 }]);
    expect(counter.calls).toBe(2);
    expect(host.tracker.stateNames("counted-1")).toEqual(["Pending", "Cached"]);
  });

  test("forgets after its expiration", async () => {
    const { counter, run } = counted({ cachePolicy: INPUTS, cacheExpiration: 60 });
    await run(1);
    clock.advance(59_000);
    await run(1);
    expect(counter.calls).toBe(1);
    clock.advance(2000);
    await run(1);
    expect(counter.calls).toBe(2);
  });

  test("runs anew with refreshCache, NO_CACHE, or a key function that gives no key", async () => {
    const { counter, run } = counted({ cachePolicy: INPUTS });
    await run(1);
    await run.with({ refreshCache: true })(1);
    await run.with({ cachePolicy: NO_CACHE })(1);
    await run.with({ cachePolicy: cacheKeyFunction(() => undefined) })(1);
    expect(counter.calls).toBe(4);
  });

  test("records where its value is kept, never the value", async () => {
    const { run } = counted({ persistResult: true });
    await flow("g", () => run(7))();
    const recorded = host.tracker.recorded().find(({ kind }) => kind === "task");
    const data = recorded?.transitions.at(-1)?.[4];
    expect(data).toMatchObject({ type: "reference", serializer: { type: "json" } });
    expect(host.memory.stored.has(data?.storage_key ?? "")).toBe(true);
    expect(JSON.stringify(recorded)).not.toContain('"x":7');
  });
});

describe("a transaction", () => {
  const effects: string[] = [];
  const write = task(
    "write",
    { onCommit: () => effects.push("commit write"), onRollback: () => effects.push("rollback write") },
    (x: string) => x,
  );

  beforeEach(() => {
    effects.length = 0;
  });

  test("commits what its tasks staged when its body ends", async () => {
    await flow("commits", () =>
      transaction(async () => {
        await write("a");
        effects.push("body ends");
      }),
    )();
    expect(effects).toEqual(["body ends", "commit write"]);
  });

  test("rolls back what its tasks did when its body throws", async () => {
    const state = await flow("rolls-back", () =>
      transaction(async () => {
        await write("a");
        throw new Error("quality check failed");
      }),
    ).safe();
    expect(state.type).toBe("FAILED");
    expect(effects).toEqual(["rollback write"]);
    expect(host.tracker.stateNames("write-0").at(-1)).toBe("RolledBack");
  });

  test("with a key happens once", async () => {
    let times = 0;
    const once = () => transaction({ key: "report-2026", store: host.memory }, () => ++times);
    expect([await once(), await once()]).toEqual([1, 1]);
  });
});
