import { Refusal } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import { blockDocumentById } from "./block-documents.ts";
import { blockSchemaById } from "./block-schemas.ts";

const KEY = "default_result_storage_block_id";

/** Id of the block in which results are kept that say no other; null when there is none. */
export function readResultStorage(store: Store): string | null {
  const value = store.statement("SELECT value FROM setting WHERE key = ?").get(KEY)?.["value"];
  return typeof value === "string" ? value : null;
}

/** Sets that block. Runs inside a write. @throws Refusal 404 for an unknown one, 422 for one that cannot be written to */
export function writeResultStorage(store: Store, id: string): void {
  const row = blockDocumentById(store, id);
  if (!row) throw new Refusal(404, `Block document ${id} not found.`);
  const schema = blockSchemaById(store, row.block_schema_id);
  // Only ensureBlockSchema writes the column.
  const capabilities = schema ? (JSON.parse(schema.capabilities) as string[]) : [];
  if (!capabilities.includes("write-path"))
    throw new Refusal(422, `Block document ${id} cannot be used for result storage.`);
  store
    .statement("INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
    .run(KEY, id);
}

/** Sets no block, unless another one than `id` is set. Runs inside a write. */
export function clearResultStorage(store: Store, id?: string): void {
  if (id === undefined) store.statement("DELETE FROM setting WHERE key = ?").run(KEY);
  else store.statement("DELETE FROM setting WHERE key = ? AND value = ?").run(KEY, id);
}
