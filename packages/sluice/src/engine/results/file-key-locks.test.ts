import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FileKeyLocks } from "./file-key-locks.ts";
import { FileResultStore } from "./file-result-store.ts";
import { transaction } from "./transaction.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-locks-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("gives a lock to one holder at a time", async () => {
  const folder = temporaryFolder();
  let holders = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      const unlock = await new FileKeyLocks(folder).lock("k");
      most = Math.max(most, ++holders);
      await new Promise((resolve) => setImmediate(resolve));
      holders--;
      unlock();
      unlock();
    }),
  );
  expect(most).toBe(1);
});

test("does not make one key wait for another", async () => {
  const locks = new FileKeyLocks(temporaryFolder());
  const unlock = await locks.lock("a");
  (await locks.lock("b"))();
  unlock();
});

test("ends the wait when the signal aborts", async () => {
  const locks = new FileKeyLocks(temporaryFolder());
  const unlock = await locks.lock("k");
  const controller = new AbortController();
  const waiting = locks.lock("k", controller.signal);
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  unlock();
});

test("takes the lock of a process that was killed", async () => {
  const folder = temporaryFolder();
  const script = `
    const { FileKeyLocks } = await import(${JSON.stringify(new URL("./file-key-locks.ts", import.meta.url).href)});
    await new FileKeyLocks(process.argv[1]).lock("k");
    console.log("held");
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const waiting = new FileKeyLocks(folder).lock("k");
  const first = await Promise.race([
    waiting.then(() => "locked"),
    new Promise((resolve) => setImmediate(resolve, "waiting")),
  ]);
  expect(first).toBe("waiting");
  child.kill("SIGKILL");
  (await waiting)();
});

test("says that its folder cannot be used", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  await expect(new FileKeyLocks(join(folder, "file")).lock("k")).rejects.toMatchObject({
    code: "SLUICE_HOME_UNWRITABLE",
  });
});

test("lets one of several SERIALIZABLE transactions of a key execute", async () => {
  const folder = temporaryFolder();
  const store = new FileResultStore(folder);
  let executed = 0;
  const values = await Promise.all(
    Array.from({ length: 5 }, () =>
      transaction(
        { key: "k", store, locks: new FileKeyLocks(join(folder, ".locks")), isolation: "SERIALIZABLE" },
        () => ++executed,
      ),
    ),
  );
  expect(values).toEqual([1, 1, 1, 1, 1]);
});

test("lets two transactions of one key inside another share its lock", async () => {
  const folder = temporaryFolder();
  const locks = new FileKeyLocks(join(folder, ".locks"));
  const options = { key: "k", store: new FileResultStore(folder), locks, isolation: "SERIALIZABLE" } as const;
  await transaction({}, async () => {
    await transaction(options, () => 1);
    await transaction(options, () => 2);
  });
  (await locks.lock("k"))();
});
