/**
 * Block documents: the values of blocks, encrypted. A value that is `{"$ref": {"block_document_id": …}}` is a reference: it is kept apart and shown as the
 * data of the document that it leads to.
 */
import type { BlockDocument, BlockDocumentCreate, BlockDocumentUpdate } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { Refusal } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import { blockSchemaBody, blockSchemaById, secretFieldsOf } from "./block-schemas.ts";
import { blockTypeBody, blockTypeById } from "./block-types.ts";
import type { SecretBox } from "./secret-box.ts";
import { hideSecrets, keepHidden, type BlockData } from "./secret-fields.ts";

/** A block document as stored; `data` is sealed JSON. */
export interface BlockDocumentRow {
  readonly id: string;
  readonly name: string;
  readonly block_type_id: string;
  readonly block_schema_id: string;
  readonly is_anonymous: number;
  readonly data: string;
  readonly created: number;
  readonly updated: number;
}

interface Reference {
  readonly id: string;
  readonly name: string;
  readonly reference_id: string;
}

/** Where documents are kept and how they are encrypted. */
export interface BlockSafe {
  readonly store: Store;
  readonly box: SecretBox;
}

/** Stores a new document. Runs inside a write. @throws Refusal 400, 404, 409 */
export function createBlockDocument({ store, box }: BlockSafe, body: BlockDocumentCreate): BlockDocumentRow {
  const { block_type_id: typeId, block_schema_id: schemaId } = body;
  if (!blockTypeById(store, typeId)) throw new Refusal(404, `Block type ${typeId} not found.`);
  if (!blockSchemaById(store, schemaId)) throw new Refusal(404, `Block schema ${schemaId} not found.`);
  const isKnown = store.statement("SELECT 1 FROM block_document WHERE block_type_id = ? AND name = ?");
  if (body.name && isKnown.get(typeId, body.name)) throw new Refusal(409, "Block already exists");
  const now = store.nowUs();
  const id = newId(now);
  const { plain, references } = separate(body.data ?? {});
  store
    .statement(
      "INSERT INTO block_document (id, name, block_type_id, block_schema_id, is_anonymous, data, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .run(
      id,
      body.name || `anonymous-${newId(now)}`,
      typeId,
      schemaId,
      body.is_anonymous ? 1 : 0,
      box.seal(plain, `block document ${id}`),
      now,
      now,
    );
  for (const [name, target] of Object.entries(references)) addReference(store, { parentId: id, name, target });
  return found(blockDocumentById(store, id), id);
}

/** Changes a document's data, or the schema it keeps to. Runs inside a write. @throws Refusal 400, 404 */
export function updateBlockDocument({ store, box }: BlockSafe, id: string, change: BlockDocumentUpdate): void {
  const row = blockDocumentById(store, id);
  if (!row) throw new Refusal(404, "Block document not found");
  // A schema alone changes nothing, as in the contract.
  if (change.data === undefined) return;
  writeData({ store, box }, row, change);
  const schemaId = change.block_schema_id;
  if (schemaId && schemaId !== row.block_schema_id) {
    const schema = blockSchemaById(store, schemaId);
    if (!schema) throw new Refusal(404, `Block schema ${schemaId} not found`);
    if (schema.block_type_id !== row.block_type_id)
      throw new Refusal(400, "Must migrate block document to a block schema of the same block type.");
    store.statement("UPDATE block_document SET block_schema_id = ? WHERE id = ?").run(schemaId, id);
  }
}

function writeData({ store, box }: BlockSafe, row: BlockDocumentRow, change: BlockDocumentUpdate): void {
  const current = dataOf(box, row);
  const schema = blockSchemaById(store, row.block_schema_id);
  const sent = keepHidden(change.data ?? {}, current, schema ? secretFieldsOf(schema) : []);
  const { plain, references } = separate(sent);
  const kept = change.merge_existing_data === false ? plain : { ...current, ...plain };
  store
    .statement("UPDATE block_document SET data = ?, updated = ? WHERE id = ?")
    .run(box.seal(kept, `block document ${row.id}`), store.nowUs(), row.id);
  const before = referencesOf(store, row.id);
  for (const [name, target] of Object.entries(references)) {
    if (!before.some((one) => one.name === name && one.reference_id === target))
      addReference(store, { parentId: row.id, name, target });
  }
  for (const one of before) {
    if (references[one.name] !== one.reference_id)
      store.statement("DELETE FROM block_document_reference WHERE id = ?").run(one.id);
  }
}

/** Takes a document away. Runs inside a write. */
export function deleteBlockDocument(store: Store, id: string): boolean {
  store.statement("DELETE FROM block_document_reference WHERE parent_id = ? OR reference_id = ?").run(id, id);
  return store.statement("DELETE FROM block_document WHERE id = ?").run(id).changes === 1;
}

/** Finds a document by id. */
export function blockDocumentById(store: Store, id: string): BlockDocumentRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM block_document WHERE id = ?").get(id) as BlockDocumentRow | undefined;
}

/** A document as the wire shows it. @param includeSecrets false hides what the schema calls secret */
export function blockDocumentBody(safe: BlockSafe, row: BlockDocumentRow, includeSecrets: boolean): BlockDocument {
  const { store } = safe;
  const schema = blockSchemaById(store, row.block_schema_id);
  const type = blockTypeById(store, row.block_type_id);
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    ...contentOf(safe, row, includeSecrets),
    block_schema_id: row.block_schema_id,
    block_schema: schema ? blockSchemaBody(store, schema) : null,
    block_type_id: row.block_type_id,
    block_type_name: type?.name ?? null,
    block_type: type ? blockTypeBody(type) : null,
    is_anonymous: row.is_anonymous === 1,
  };
}

interface Content {
  readonly data: BlockData;
  readonly block_document_references: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function contentOf(safe: BlockSafe, row: BlockDocumentRow, includeSecrets: boolean): Content {
  const { store, box } = safe;
  const schema = blockSchemaById(store, row.block_schema_id);
  const own = dataOf(box, row);
  const data: Record<string, unknown> = {
    ...(includeSecrets || !schema ? own : hideSecrets(own, secretFieldsOf(schema))),
  };
  const references: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const { name, reference_id } of referencesOf(store, row.id)) {
    const target = blockDocumentById(store, reference_id);
    if (!target) continue;
    const content = contentOf(safe, target, includeSecrets);
    const type = blockTypeById(store, target.block_type_id);
    data[name] = content.data;
    references[name] = {
      block_document: {
        id: target.id,
        name: target.name,
        block_type: type ? blockTypeBody(type) : null,
        is_anonymous: target.is_anonymous === 1,
        block_document_references: content.block_document_references,
      },
    };
  }
  return { data, block_document_references: references };
}

function dataOf(box: SecretBox, row: BlockDocumentRow): BlockData {
  // Sealed by this file as an object.
  return box.open(row.data, `block document ${row.id}`) as BlockData;
}

function separate(data: BlockData): {
  readonly plain: BlockData;
  readonly references: Readonly<Record<string, string>>;
} {
  const plain: Record<string, unknown> = {};
  const references: Record<string, string> = {};
  for (const [name, value] of Object.entries(data)) {
    const reference = isObject(value) ? value["$ref"] : undefined;
    if (!isObject(reference)) {
      plain[name] = value;
      continue;
    }
    const target = reference["block_document_id"];
    if (typeof target !== "string")
      throw new Refusal(400, `Received block reference without a block_document_id in key ${name}`);
    references[name] = target;
  }
  return { plain, references };
}

function referencesOf(store: Store, id: string): Reference[] {
  const query = store.statement("SELECT id, name, reference_id FROM block_document_reference WHERE parent_id = ?");
  // STRICT table: the columns have these types.
  return query.all(id) as unknown as Reference[];
}

function addReference(
  store: Store,
  link: { readonly parentId: string; readonly name: string; readonly target: string },
): void {
  if (!blockDocumentById(store, link.target)) throw new Refusal(404, `Block document ${link.target} not found.`);
  if (leadsTo(store, link.target, link.parentId))
    throw new Refusal(
      400,
      `Cannot create block document reference: it would introduce a cycle into the block_document_reference graph (parent=${link.parentId}, reference=${link.target}).`,
    );
  store
    .statement("INSERT INTO block_document_reference (id, parent_id, name, reference_id) VALUES (?, ?, ?, ?)")
    .run(newId(store.nowUs()), link.parentId, link.name, link.target);
}

/** Whether a document is, or refers to, another one, at any depth. */
function leadsTo(store: Store, from: string, wanted: string): boolean {
  const row = store
    .statement(
      `WITH RECURSIVE reached (id) AS (SELECT ?1 UNION SELECT r.reference_id FROM block_document_reference r JOIN reached ON r.parent_id = reached.id)
       SELECT 1 FROM reached WHERE id = ?2`,
    )
    .get(from, wanted);
  return row !== undefined;
}

function found(row: BlockDocumentRow | undefined, id: string): BlockDocumentRow {
  if (!row) throw new Error(`the block document ${id} was just stored and is not there`);
  return row;
}
