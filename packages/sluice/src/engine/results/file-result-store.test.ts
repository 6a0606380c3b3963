import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished, expect, test } from "vitest";
import { FileResultStore } from "./file-result-store.ts";
import { decodeResult, encodeResult } from "./result-codec.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-results-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function put(store: FileResultStore, key: string, value: unknown): Promise<void> {
  await store.write(key, encodeResult(value, { key }));
}

async function get(store: FileResultStore, key: string): Promise<unknown> {
  const stored = await store.read(key);
  return stored === undefined ? "nothing" : decodeResult(stored);
}

test("keeps values by key, in files that only their owner reads", async () => {
  const store = new FileResultStore(join(temporaryFolder(), "a", "storage"));
  expect(await get(store, "k")).toBe("nothing");
  await put(store, "k", { a: [1, "é\n"] });
  await put(store, "binary", new Map([["x", Buffer.from("\n\n")]]));
  await put(store, "nothing-returned", undefined);
  expect(await get(store, "k")).toEqual({ a: [1, "é\n"] });
  expect(await get(store, "binary")).toEqual(new Map([["x", Buffer.from("\n\n")]]));
  expect(await get(store, "nothing-returned")).toBeUndefined();
  await put(store, "k", 2);
  expect(await get(store, "k")).toBe(2);
  expect(readdirSync(store.folder).toSorted()).toEqual(["binary", "k", "nothing-returned"]);
  expect(statSync(store.pathOf("k")).mode & 0o777).toBe(0o600);
  await store.delete("k");
  await store.delete("k");
  expect(await get(store, "k")).toBe("nothing");
});

test("lays JSON out as Prefect's result record", async () => {
  const store = new FileResultStore(temporaryFolder());
  await store.write("k", encodeResult({ a: 1 }, { key: "k", expiresAtMs: 4e12 }));
  expect(JSON.parse(readFileSync(store.pathOf("k"), "utf8"))).toEqual({
    metadata: {
      storage_key: "k",
      storage_block_id: null,
      expiration: "2096-10-02T07:06:40.000Z",
      serializer: { type: "json" },
    },
    result: '{"a":1}',
  });
});

test("maps every key to a file of its own inside the folder", async () => {
  const store = new FileResultStore(temporaryFolder());
  const keys = ["a", "A", "../a", "/etc/a", "a/b", "..", ".", "", "a.b", ".writing-a", "é", "x".repeat(500), "a\0b"];
  keys.push(...keys.map((key) => basename(store.pathOf(key))).filter((name) => !keys.includes(name)));
  for (const key of keys) await put(store, key, key);
  for (const key of keys) {
    expect(await get(store, key)).toBe(key);
    expect(dirname(store.pathOf(key))).toBe(store.folder);
  }
  expect(new Set(readdirSync(store.folder).map((name) => name.toLowerCase())).size).toBe(keys.length);
});

test("does not give an expired result", async () => {
  let nowMs = 999;
  const store = new FileResultStore(temporaryFolder(), { nowMs: () => nowMs });
  await store.write("k", encodeResult(1, { key: "k", expiresAtMs: 1000 }));
  expect(await get(store, "k")).toBe(1);
  nowMs = 1000;
  expect(await get(store, "k")).toBe("nothing");
});

test("takes a damaged or foreign file for none, and replaces it", async () => {
  const store = new FileResultStore(temporaryFolder());
  for (const text of [
    "",
    "{",
    "[1]",
    '{"metadata":{}}',
    '{"metadata":{"storage_key":"other","serializer":{"type":"json"}},"result":"1"}',
    "{}\nabc",
  ]) {
    writeFileSync(store.pathOf("k"), text);
    expect(await get(store, "k")).toBe("nothing");
  }
  await put(store, "k", 1);
  expect(await get(store, "k")).toBe(1);
});

test("says that a folder cannot be written, and what to do", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  const store = new FileResultStore(join(folder, "file", "storage"));
  await expect(put(store, "k", 1)).rejects.toMatchObject({
    code: "SLUICE_HOME_UNWRITABLE",
    message: expect.stringContaining("SLUICE_LOCAL_STORAGE_PATH"),
  });
});

test("shows a reader all or nothing while several processes write one key", async () => {
  const store = new FileResultStore(temporaryFolder());
  const writer = `
    const [storeUrl, codecUrl, folder, letter] = process.argv.slice(1);
    const { FileResultStore } = await import(storeUrl);
    const { encodeResult } = await import(codecUrl);
    const store = new FileResultStore(folder);
    for (let i = 0; i < 40; i++) await store.write("k", encodeResult(letter.repeat(300_000), { key: "k" }));
  `;
  const urls = ["./file-result-store.ts", "./result-codec.ts"].map((file) => new URL(file, import.meta.url).href);
  const run = promisify(execFile);
  const writers = ["a", "b"].map((letter) =>
    run(process.execPath, ["--input-type=module", "-e", writer, ...urls, store.folder, letter]),
  );
  const writing = { open: true };
  const ended = Promise.all(writers).finally(() => (writing.open = false));
  const seen = new Set<unknown>();
  while (writing.open) seen.add(await get(store, "k"));
  await ended;
  seen.delete("nothing");
  for (const value of seen) expect(["a", "b"].map((letter) => letter.repeat(300_000))).toContain(value);
  expect(readdirSync(store.folder)).toEqual(["k"]);
});
