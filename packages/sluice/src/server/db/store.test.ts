import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isSluiceError, type ErrorCode } from "../../wire/errors.ts";
import { Store } from "./store.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-store-"));
  file = join(folder, "sluice.db");
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

function codeOf(act: () => unknown): { code: ErrorCode; message: string } | undefined {
  try {
    act();
  } catch (error) {
    if (isSluiceError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  return undefined;
}
const flow = (name: string) => ({ name, tags: [], labels: {} });

test("a database that is not there is made, for its owner only", () => {
  Store.open(file).close();
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("what is written is there when the database is opened again", async () => {
  const store = Store.open(file);
  await store.write(() => store.flows.insert(flow("etl")));
  store.close();
  const again = Store.open(file);
  expect(again.flows.byName("etl")?.name).toBe("etl");
  again.close();
});

test("writes of one turn share a transaction, and one that fails is undone alone", async () => {
  const store = Store.open(file);
  const outcomes = await Promise.allSettled([
    store.write(() => store.flows.insert(flow("a"))),
    store.write(() => {
      store.flows.insert(flow("b"));
      throw new Error("no");
    }),
    store.write(() => store.flows.insert(flow("c"))),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(["a", "b", "c"].map((name) => store.flows.byName(name) !== undefined)).toEqual([true, false, true]);
  store.close();
});

test("a read of what is not yet durable waits until it is", async () => {
  const store = Store.open(file);
  const order: string[] = [];
  const written = store.write(() => store.flows.insert(flow("a"))).then(() => order.push("written"));
  const read = store.read(() => store.flows.byName("a")).then(() => order.push("read"));
  await Promise.resolve();
  expect(order).toEqual([]);
  await Promise.all([written, read]);
  expect(order).toEqual(["written", "read"]);
  store.close();
});

test("an id that was remembered of an undone write is forgotten", async () => {
  const store = Store.open(file);
  const failed = store.write(() => {
    store.flows.ensure("a");
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  const id = await store.write(() => store.flows.ensure("a"));
  expect(store.flows.byId(id)?.name).toBe("a");
  store.close();
});

test("a corrupt file is kept aside unchanged, and the next open starts afresh", () => {
  const garbage = "this is no database, but it may be somebody's work\n".repeat(200);
  writeFileSync(file, garbage);
  const failure = codeOf(() => Store.open(file));
  expect(failure?.code).toBe("SLUICE_DATABASE_CORRUPT");
  const kept =
    readdirSync(folder).find((name) => name.startsWith("sluice.db.corrupt-") && !name.endsWith("-wal")) ?? "";
  expect(failure?.message).toContain(kept);
  expect(readFileSync(join(folder, kept), "utf8")).toBe(garbage);
  Store.open(file).close();
});

test("a database of a newer Sluice is refused and left alone", () => {
  Store.open(file).close();
  const database = new DatabaseSync(file);
  database.exec("PRAGMA user_version = 999");
  database.close();
  expect(codeOf(() => Store.open(file))?.code).toBe("SLUICE_DATABASE_NEWER");
  expect(existsSync(file)).toBe(true);
});

test("a database of another program is refused and left alone", () => {
  const database = new DatabaseSync(file);
  database.exec("CREATE TABLE theirs (a)");
  database.close();
  expect(codeOf(() => Store.open(file))?.message).toContain("another program");
  expect(readdirSync(folder).some((name) => name.includes("corrupt"))).toBe(false);
});

test("a folder that cannot be written is named", () => {
  writeFileSync(join(folder, "a-file"), "");
  const failure = codeOf(() => Store.open(join(folder, "a-file", "sluice.db")));
  expect(failure).toMatchObject({ code: "SLUICE_HOME_UNWRITABLE" });
  expect(failure?.message).toContain("SLUICE_HOME");
});

test("a full disk fails the write with its reason, and the store goes on when there is space", async () => {
  const store = Store.open(file);
  await store.write(() => store.flows.insert(flow("before")));
  const pages = Number(store.query("PRAGMA page_count", [])[0]?.["page_count"]);
  store.database.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const big = store.write(() => store.flows.insert({ ...flow("big"), tags: ["x".repeat(100_000)] }));
  await expect(big).rejects.toMatchObject({ code: "SLUICE_DISK_FULL" });
  store.database.exec("PRAGMA max_page_count = 1000000");
  await store.write(() => store.flows.insert(flow("after")));
  expect(["before", "big", "after"].map((name) => store.flows.byName(name) !== undefined)).toEqual([true, false, true]);
  store.close();
});

test("a full disk that undoes the transaction fails every write of the turn", async () => {
  const store = Store.open(file);
  const small = store.write(() => store.flows.insert(flow("small")));
  const broken = store.write(() => {
    store.database.exec("ROLLBACK");
    throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
  });
  const outcomes = await Promise.allSettled([small, broken]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await store.write(() => store.flows.insert(flow("after")));
  expect(["small", "after"].map((name) => store.flows.byName(name) !== undefined)).toEqual([false, true]);
  store.close();
});

test("a writer that is killed loses nothing that it acknowledged", () => {
  const script = `
    import { Store } from ${JSON.stringify(import.meta.resolve("./store.ts"))};
    const store = Store.open(${JSON.stringify(file)});
    for (let n = 0; n < 300; n++) {
      await store.write(() => store.flows.insert({ name: "flow-" + n, tags: [], labels: {} }));
      process.stdout.write(n + "\\n");
    }
    process.kill(process.pid, "SIGKILL");`;
  let output = "";
  try {
    execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
  } catch (error) {
    // Killed as it should be; what it said before is on the error.
    output = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
  }
  expect(output.trim().split("\n")).toHaveLength(300);
  const store = Store.open(file);
  expect(store.query("SELECT count(*) AS n FROM flow", [])[0]?.["n"]).toBe(300);
  store.close();
});
