import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asCompleted, gather } from "../engine/context/combinators.ts";
import { useRecordingHost, type RecordingHost } from "../testing/recording-host.ts";
import { flow } from "./flow.ts";
import { task, type Task } from "./task.ts";
import { transaction } from "./body/transaction.ts";

/**
 * A retried parent adopts the right finished children: shapes of concurrent code whose order of calls differs between two attempts, because latencies do.
 * Every value names the arguments that it was made of, so a value that is handed to another call shows.
 */
let host: RecordingHost & Disposable;
beforeEach(() => {
  host = useRecordingHost({ settings: { loggingLevel: 100 } });
});
afterEach(() => {
  host[Symbol.dispose]();
});

type Step = Task<[kind: string, of: string], string>;

const shapes: Record<string, (step: Step) => Promise<string[]>> = {
  gathered: async (step) => gather(["1", "2", "3", "4", "5"].map((x) => step("a", x))),
  submitted: async (step) => gather(step.map(["a", "a", "a", "a"], ["1", "2", "3", "1"])),
  "branches of three": async (step) =>
    gather(["1", "2", "3", "4"].map(async (x) => step("c", await step("b", await step("a", x))))),
  "branches with an equal step in each": async (step) =>
    gather(["1", "2", "3"].map(async (x) => `${await step("a", x)}|${await step("tick", "")}|${await step("b", x)}`)),
  "in the order of completion": async (step) => {
    const seen: string[] = [];
    for await (const future of asCompleted(step.map(["a", "a", "a", "a"], ["1", "2", "3", "4"])))
      seen.push(await step("d", await future));
    return seen.toSorted();
  },
  "a loop that branches on values": async (step) => {
    const seen: string[] = [];
    for (let i = 0; seen.length < 4; i++) {
      const value = await step("a", String(i));
      seen.push(value.length % 2 === 0 ? await step("even", value) : await step("odd", value));
    }
    return seen;
  },
};

/** What a step gives: a text that names its arguments, whatever the latency. */
const valueOf = (kind: string, of: string) => `${kind}(${of})`;

test.for(Object.keys(shapes))("gives each finished child its own value again: %s", async (name) => {
  const shape = shapes[name];
  if (shape === undefined) throw new Error(`no shape ${name}`);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      async (dieAfter, latencies) => {
        const executed: string[] = [];
        const finishedBefore: string[] = [];
        let attempt = 0;
        let finished = 0;
        const die = Promise.withResolvers<never>();
        die.promise.catch(() => undefined);
        const step: Step = task("step", async (kind: string, of: string) => {
          const mine = attempt;
          const turns = latencies.next().value ?? 0;
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
          executed.push(`${mine}:${valueOf(kind, of)}`);
          if (mine === 1 && ++finished === dieAfter) die.reject(new Error("the first attempt dies"));
          return valueOf(kind, of);
        });
        const run = flow("retried", { retries: 1 }, async () => {
          attempt++;
          if (attempt === 2) finishedBefore.push(...executed);
          // The first attempt dies while branches are open; what they still finish belongs to it.
          return attempt === 1 ? Promise.race([shape(step), die.promise]) : shape(step);
        });
        const result = await run();
        expect(result).toEqual(await withoutFailure(shape));
        const again = executed.filter((line) => line.startsWith("2:"));
        const distinct = new Set(finishedBefore.map((line) => line.slice(2)));
        const repeated = again.filter((line) => distinct.has(line.slice(2)) && !EQUAL_CALLS.test(line));
        expect(repeated).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
});

/** Steps of which the shapes make several equal calls: how many of them the first attempt had finished is up to the latencies. */
const EQUAL_CALLS = /tick\(\)|a\(1\)/;

async function withoutFailure(shape: (step: Step) => Promise<string[]>): Promise<string[]> {
  const plain = task("step", (kind: string, of: string) => Promise.resolve(valueOf(kind, of)));
  return flow("undisturbed", async () => shape(plain))();
}

test("warns once where arguments cannot be compared, and runs them again", async () => {
  let calls = 0;
  const opaque = task("opaque", (callback: () => number) => {
    calls++;
    return callback();
  });
  let attempt = 0;
  const run = flow("durable", { retries: 1 }, async () => {
    await opaque(() => 1);
    if (++attempt === 1) throw new Error("once");
    return "ok";
  });
  host[Symbol.dispose]();
  using fresh = useRecordingHost();
  expect(await run()).toBe("ok");
  expect(calls).toBe(2);
  expect(fresh.tracker.logs.filter((line) => line.message.includes("cannot be compared by value"))).toHaveLength(1);
});

test("adopts a finished subflow without running it again", async () => {
  const ran: number[] = [];
  const child = flow("adopted-child", (n: number) => {
    ran.push(n);
    return { n };
  });
  let attempt = 0;
  const parent = flow("adopting", { retries: 2 }, async () => {
    const [a, b] = await gather([child(1), child.submit(2)]);
    if (++attempt < 3) throw new Error("again");
    return a.n + b.n;
  });
  expect(await parent()).toBe(3);
  expect(new Set(ran)).toEqual(new Set([1, 2]));
  expect(ran).toHaveLength(2);
});

test("tells a numbered key from a key that looks like one", async () => {
  const keyed = task("keyed", { key: (key: string) => key }, (key: string, n: number) => `${key}/${n}`);
  let attempt = 0;
  const run = flow("keyed-parent", { retries: 1 }, async () => {
    const values = [await keyed("a", 1), await keyed("a", 2), await keyed("a-1", 3), await keyed("a-1", 4)];
    if (++attempt === 1) throw new Error("once");
    return values;
  });
  expect(await run()).toEqual(["a/1", "a/2", "a-1/3", "a-1/4"]);
});

test("runs again what a transaction has rolled back, and adopts what one has committed", async () => {
  const did: string[] = [];
  const onRollback = () => did.push("undo");
  const put = task("put", { onRollback }, (what: string) => did.push(`put ${what}`));
  const putting = flow("putting", (what: string) => put(what));
  let attempt = 0;
  const run = flow("transacting", { retries: 1 }, async () => {
    attempt++;
    await transaction(() => put("early"));
    await transaction(async () => {
      await put("late");
      await putting("later");
      if (attempt === 1) throw new Error("once");
    });
  });
  await run();
  expect(did).toEqual(["put early", "put late", "put later", "undo", "undo", "put late", "put later"]);
});
