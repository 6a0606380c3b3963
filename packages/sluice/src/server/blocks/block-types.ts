import type { BlockType, BlockTypeCreate, BlockTypeUpdate } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";

/** A block type as stored. */
export interface BlockTypeRow {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly logo_url: string | null;
  readonly documentation_url: string | null;
  readonly description: string | null;
  readonly code_example: string | null;
  /** 1 for one of the server's own, which nobody can delete. */
  readonly is_protected: number;
  readonly created: number;
  readonly updated: number;
}

/** A block type to be stored. */
export type NewBlockType = BlockTypeCreate & { readonly isProtected?: boolean };

/** Stores a new type. Runs inside a write. */
export function insertBlockType(store: Store, type: NewBlockType): BlockTypeRow {
  const now = store.nowUs();
  const row: BlockTypeRow = {
    id: newId(now),
    name: type.name,
    slug: type.slug,
    logo_url: type.logo_url ?? null,
    documentation_url: type.documentation_url ?? null,
    description: escaped(type.description),
    code_example: escaped(type.code_example),
    is_protected: type.isProtected ? 1 : 0,
    created: now,
    updated: now,
  };
  store
    .statement(
      `INSERT INTO block_type (id, name, slug, logo_url, documentation_url, description, code_example, is_protected, created, updated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      row.id,
      row.name,
      row.slug,
      row.logo_url,
      row.documentation_url,
      row.description,
      row.code_example,
      row.is_protected,
      now,
      now,
    );
  return row;
}

/** Pages show these texts as HTML. */
function escaped(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Finds a type by id. */
export function blockTypeById(store: Store, id: string): BlockTypeRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM block_type WHERE id = ?").get(id) as BlockTypeRow | undefined;
}

/** Finds a type by its slug. */
export function blockTypeBySlug(store: Store, slug: string): BlockTypeRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM block_type WHERE slug = ?").get(slug) as BlockTypeRow | undefined;
}

/** Changes what is given of a type; says whether anything is another than before. Runs inside a write. */
export function updateBlockType(store: Store, row: BlockTypeRow, change: BlockTypeUpdate): boolean {
  const { logo_url = row.logo_url, documentation_url = row.documentation_url } = change;
  const description = change.description === undefined ? row.description : escaped(change.description);
  const example = change.code_example === undefined ? row.code_example : escaped(change.code_example);
  const isSame =
    logo_url === row.logo_url &&
    documentation_url === row.documentation_url &&
    description === row.description &&
    example === row.code_example;
  if (isSame) return false;
  store
    .statement(
      "UPDATE block_type SET logo_url = ?, documentation_url = ?, description = ?, code_example = ?, updated = ? WHERE id = ?",
    )
    .run(logo_url, documentation_url, description, example, store.nowUs(), row.id);
  return true;
}

/** Takes a type away with its schemas and documents. Runs inside a write. */
export function deleteBlockType(store: Store, id: string): void {
  const documents = "SELECT id FROM block_document WHERE block_type_id = ?";
  store
    .statement(
      `DELETE FROM block_document_reference WHERE parent_id IN (${documents}) OR reference_id IN (${documents})`,
    )
    .run(id, id);
  store.statement("DELETE FROM block_document WHERE block_type_id = ?").run(id);
  store.statement("DELETE FROM block_schema WHERE block_type_id = ?").run(id);
  store.statement("DELETE FROM block_type WHERE id = ?").run(id);
}

/** A block type as the wire shows it. */
export function blockTypeBody(row: BlockTypeRow): BlockType {
  const { id, name, slug, logo_url, documentation_url, description, code_example } = row;
  return {
    id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name,
    slug,
    logo_url,
    documentation_url,
    description,
    code_example,
    is_protected: row.is_protected === 1,
  };
}
