import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "../db/new-id.ts";
import { Store } from "../db/store.ts";
import { isSmallTree } from "./read-tree.ts";

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-tree-"));
  store = Store.open(join(folder, "sluice.db"));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

async function insert(count: number, parent: string | null): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, () => newId(1_790_000_000_000_000));
  await store.write(() => {
    const flow_id = store.flows.ensure("flow");
    for (const id of ids) store.flowRuns.insert({ id, flow_id, name: id, parent_flow_run_id: parent });
  });
  return ids;
}

test("a tree is small up to 200 runs below its root, on however many levels", async () => {
  const [root = ""] = await insert(1, null);
  expect(isSmallTree(store, root)).toBe(true);
  const [child = ""] = await insert(100, root);
  const [grandchild = ""] = await insert(100, child);
  expect(isSmallTree(store, root)).toBe(true);
  await insert(1, grandchild);
  expect(isSmallTree(store, root)).toBe(false);
  expect(isSmallTree(store, child)).toBe(true);
});
