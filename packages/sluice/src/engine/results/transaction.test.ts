import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FileResultStore } from "./file-result-store.ts";
import { currentTransaction, stageTask, transaction } from "./transaction.ts";
import type { StagedTask, TransactionOptions, TransactionProblem } from "./transaction.ts";

function newStore(): FileResultStore {
  const folder = mkdtempSync(join(tmpdir(), "sluice-transaction-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return new FileResultStore(folder);
}

/** A task that notes in `log` what becomes of it. */
function task(name: string, log: string[]): StagedTask {
  return {
    name,
    write: () => Promise.resolve(void log.push(`${name} written`)),
    onCommit: [() => log.push(`${name} commit`)],
    onRollback: [() => log.push(`${name} rollback 1`), () => log.push(`${name} rollback 2`)],
    onRolledBack: () => log.push(`${name} rolled back`),
  };
}

/** Stages a task in the transaction around the caller, as the engine does. */
function run(name: string, log: string[]): ReturnType<typeof stageTask> {
  return stageTask(currentTransaction(), task(name, log));
}

const FAILURE = new Error("body failed");

test("commits its tasks in order when the body ends", async () => {
  const log: string[] = [];
  const value = await transaction({}, async (txn) => {
    expect([txn.state, txn.commitMode, txn.isolation]).toEqual(["ACTIVE", "LAZY", "READ_COMMITTED"]);
    expect(await run("a", log)).toBe("staged");
    await run("b", log);
    log.push("body ends");
    return 7;
  });
  expect(value).toBe(7);
  expect(log).toEqual(["body ends", "a commit", "a written", "b commit", "b written"]);
});

test("rolls its tasks back in reverse order when the body throws, and nothing is written", async () => {
  const log: string[] = [];
  const body = transaction({}, async () => {
    await run("a", log);
    await run("b", log);
    throw FAILURE;
  });
  await expect(body).rejects.toBe(FAILURE);
  expect(log).toEqual([
    "b rollback 2",
    "b rollback 1",
    "b rolled back",
    "a rollback 2",
    "a rollback 1",
    "a rolled back",
  ]);
});

test("commits a task at once when there is no transaction around it", async () => {
  const log: string[] = [];
  expect(await run("a", log)).toBe("committed");
  expect(log).toEqual(["a commit", "a written"]);
});

test("leaves the commit of a nested transaction to the outermost one", async () => {
  const log: string[] = [];
  await transaction({}, async () => {
    await transaction({}, () => run("inner", log));
    log.push("inner ended");
    await run("outer", log);
  });
  expect(log).toEqual(["inner ended", "inner commit", "inner written", "outer commit", "outer written"]);
});

test("commits each transaction at the end of its own body when EAGER", async () => {
  const log: string[] = [];
  await transaction({ commitMode: "EAGER" }, async () => {
    expect(await run("a", log)).toBe("committed");
    log.push("body ends");
  });
  expect(log).toEqual(["a commit", "a written", "body ends"]);
});

test("keeps what is committed when a later step fails", async () => {
  const log: string[] = [];
  const body = transaction({}, async () => {
    await transaction({ commitMode: "EAGER" }, () => run("a", log));
    await run("b", log);
    throw FAILURE;
  });
  await expect(body).rejects.toBe(FAILURE);
  expect(log).toEqual(["a commit", "a written", "b rollback 2", "b rollback 1", "b rolled back"]);
});

test("rolls back what nobody has committed when OFF", async () => {
  const log: string[] = [];
  await transaction({ commitMode: "OFF" }, () => run("a", log));
  expect(log.at(-1)).toBe("a rolled back");
  log.length = 0;
  await transaction({ commitMode: "OFF" }, async (txn) => {
    await run("b", log);
    expect(await txn.commit()).toBe(true);
  });
  expect(log).toEqual(["b commit", "b written"]);
});

test("rolls back the transactions around a body that threw, though the error is caught there", async () => {
  const log: string[] = [];
  await transaction({}, async (outer) => {
    await run("before", log);
    await expect(
      transaction({}, async () => {
        await run("inner", log);
        throw FAILURE;
      }),
    ).rejects.toBe(FAILURE);
    expect(outer.state).toBe("ROLLED_BACK");
    expect(await run("late", log)).toBe("rolled-back");
    expect(await outer.commit()).toBe(false);
  });
  expect(log.filter((line) => line.endsWith("rolled back"))).toEqual([
    "inner rolled back",
    "before rolled back",
    "late rolled back",
  ]);
  expect(log.some((line) => line.endsWith("written"))).toBe(false);
});

test("rolls the rest back and rejects when a commit hook or a write fails", async () => {
  for (const broken of ["onCommit", "write"] as const) {
    const log: string[] = [];
    const problems: TransactionProblem[] = [];
    const fail = (): never => {
      throw new Error("disk gone");
    };
    const body = transaction({ report: (problem) => problems.push(problem) }, async () => {
      await run("a", log);
      await stageTask(currentTransaction(), {
        ...task("b", log),
        ...(broken === "write" ? { write: fail } : { onCommit: [fail] }),
      });
      await run("c", log);
    });
    await expect(body).rejects.toMatchObject({
      code: "SLUICE_TRANSACTION_ROLLED_BACK",
      cause: { message: "disk gone" },
    });
    expect(problems[0]).toMatchObject({ during: "commit", name: "b" });
    expect(log.filter((line) => /written|rolled back/.test(line))).toEqual([
      "a written",
      "b rolled back",
      "c rolled back",
    ]);
  }
});

test("reports a rollback hook that fails and still runs the others", async () => {
  const log: string[] = [];
  const problems: TransactionProblem[] = [];
  const body = transaction({ report: (problem) => problems.push(problem) }, async (txn) => {
    txn.stage(1, {
      onRollback: [
        () => log.push("first"),
        () => {
          throw FAILURE;
        },
      ],
    });
    await run("a", log);
    throw new TypeError("why");
  });
  await expect(body).rejects.toBeInstanceOf(TypeError);
  expect(log[0]).toBe("first");
  expect(log.at(-1)).toBe("a rolled back");
  expect(problems).toEqual([{ during: "rollback", name: "transaction", error: FAILURE }]);
});

test("gives hooks their transaction, and values from the transactions around it", async () => {
  const seen: unknown[] = [];
  await transaction({}, async (outer) => {
    outer.set("list", [1]);
    outer.set("own", "outer");
    await transaction({}, async (inner) => {
      inner.set("own", "inner");
      const list = inner.get("list");
      if (Array.isArray(list)) list.push(2);
      await stageTask(inner, {
        name: "a",
        onCommit: [(txn) => seen.push(txn.get("list"), txn.get("own"), txn.get("none", "fallback"))],
      });
    });
    expect(outer.get("own")).toBe("outer");
    expect(outer.get("none")).toBeUndefined();
  });
  expect(seen).toEqual([[1], "inner", "fallback"]);
});

test("does not commit or roll back a second time, not from a hook either", async () => {
  const log: string[] = [];
  await transaction({}, async (txn) => {
    await run("a", log);
    txn.stage(1, {
      onCommit: [async () => log.push(`again ${String(await txn.rollback())} ${String(await txn.commit())}`)],
    });
    expect(await Promise.all([txn.commit(), txn.commit(), txn.rollback()])).toEqual([true, false, false]);
  });
  expect(log).toEqual(["a commit", "a written", "again false false"]);
});

test("executes a key once, and gives its stored value afterwards", async () => {
  const store = newStore();
  let executed = 0;
  const once = (options: TransactionOptions = {}): Promise<number> =>
    transaction({ key: "k", store, ...options }, () => Promise.resolve(++executed));
  expect([await once(), await once(), executed]).toEqual([1, 1, 1]);
  expect([await once({ overwrite: true }), await once(), executed]).toEqual([2, 2, 2]);
});

test("keeps nothing under its key when it is rolled back", async () => {
  const store = newStore();
  await expect(transaction({ key: "k", store }, () => Promise.reject(FAILURE))).rejects.toBe(FAILURE);
  await transaction({ store, commitMode: "OFF" }, () => transaction({ key: "k" }, () => 1));
  expect(await store.read("k")).toBeUndefined();
});

test("refuses a key without a store, and SERIALIZABLE without locks", async () => {
  const invalid = { code: "SLUICE_OPTION_INVALID" };
  await expect(transaction({ key: "k" }, () => 1)).rejects.toMatchObject(invalid);
  await expect(transaction({ key: "k", store: newStore(), isolation: "SERIALIZABLE" }, () => 1)).rejects.toMatchObject(
    invalid,
  );
});

test("keeps transactions that run at the same time apart", async () => {
  const log: string[] = [];
  await Promise.allSettled(
    ["a", "b"].map((name) =>
      transaction({}, async (txn) => {
        await run(name, log);
        expect(currentTransaction()).toBe(txn);
        if (name === "a") throw FAILURE;
      }),
    ),
  );
  expect(log.filter((line) => /written|rolled/.test(line)).toSorted()).toEqual(["a rolled back", "b written"]);
  expect(currentTransaction()).toBeUndefined();
});
