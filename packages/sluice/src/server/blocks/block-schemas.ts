/**
 * Block schemas: what a block of a type holds, found again by their checksum.
 *
 * A schema is kept as it was sent, with the definitions of the blocks nested in it, and each nested one is a schema of its own besides, so that a client
 * that knows only that finds it too.
 */
import type { BlockSchema } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { Refusal } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import { blockChecksum, referencesIn, type SchemaFields } from "./block-checksum.ts";
import { blockTypeById, blockTypeBody, blockTypeBySlug } from "./block-types.ts";
import { readKeepingNumbers, writePythonJson } from "./python-json.ts";

/** A block schema as stored; `fields` and `capabilities` are JSON. */
export interface BlockSchemaRow {
  readonly id: string;
  readonly checksum: string;
  readonly block_type_id: string;
  readonly fields: string;
  readonly capabilities: string;
  readonly version: string;
  readonly created: number;
  readonly updated: number;
}

/** A block schema to be stored. */
export interface NewBlockSchema {
  readonly block_type_id: string;
  /** JSON of the fields, with the numbers as the client wrote them. */
  readonly fieldsText: string;
  readonly capabilities: readonly string[];
  readonly version: string;
}

const NON_VERSIONED = "non-versioned";

/**
 * Finds the schema or stores it, with those nested in it. Runs inside a write.
 *
 * @throws Refusal 409 when the type of a nested block is not there, 422 when a nested block is not described
 */
export function ensureBlockSchema(
  store: Store,
  schema: NewBlockSchema,
): { readonly row: BlockSchemaRow; readonly isNew: boolean } {
  // Written by a client as an object; checked by the route's schema.
  const fields = readKeepingNumbers(schema.fieldsText) as SchemaFields;
  const known = blockSchemaByChecksum(store, blockChecksum(fields), schema.version);
  return known
    ? { row: known, isNew: false }
    : { row: insertSchema(store, schema, fields["definitions"]), isNew: true };
}

function insertSchema(store: Store, schema: NewBlockSchema, definitions: unknown): BlockSchemaRow {
  // As above.
  const counted = readKeepingNumbers(schema.fieldsText) as SchemaFields;
  const plain = JSON.parse(schema.fieldsText) as SchemaFields;
  const references = isObject(plain["block_schema_references"]) ? plain["block_schema_references"] : {};
  const now = store.nowUs();
  const row: BlockSchemaRow = {
    id: newId(now),
    checksum: blockChecksum(counted, definitions),
    block_type_id: schema.block_type_id,
    fields: JSON.stringify({ ...plain, block_schema_references: references }),
    capabilities: JSON.stringify(schema.capabilities),
    version: schema.version,
    created: now,
    updated: now,
  };
  store
    .statement(
      "INSERT INTO block_schema (id, checksum, block_type_id, fields, capabilities, version, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .run(row.id, row.checksum, row.block_type_id, row.fields, row.capabilities, row.version, now, now);
  for (const [name, listed] of Object.entries(references)) {
    for (const reference of Array.isArray(listed) ? listed : [listed])
      ensureNested(store, { fields: counted, definitions, name }, reference);
  }
  return row;
}

interface Nesting {
  readonly fields: SchemaFields;
  readonly definitions: unknown;
  readonly name: string;
}

function ensureNested(store: Store, nesting: Nesting, reference: unknown): void {
  if (!isObject(reference)) return;
  const slug = String(reference["block_type_slug"]);
  const type = blockTypeBySlug(store, slug);
  if (!type)
    throw new Refusal(
      409,
      `Cannot create block schema because block type '${slug}' was not found.Did you forget to register the block type?`,
    );
  if (blockSchemaByChecksum(store, String(reference["block_schema_checksum"]), null)) return;
  const fields = definitionOf(nesting, slug);
  if (!fields)
    throw new Refusal(
      422,
      `Unable to create nested block schema for block type '${type.name}' due to missing definition.`,
    );
  if (blockSchemaByChecksum(store, blockChecksum(fields, nesting.definitions), NON_VERSIONED)) return;
  const nested = { block_type_id: type.id, fieldsText: textOf(fields), capabilities: [], version: NON_VERSIONED };
  insertSchema(store, nested, nesting.definitions);
}

/** Of several blocks that a field may hold, the slug in the definition says which one is meant. */
function definitionOf({ fields, definitions, name }: Nesting, slug: string): SchemaFields | undefined {
  const { properties } = fields;
  if (!isObject(definitions) || !isObject(properties)) return undefined;
  const found = referencesIn(properties[name]).map((reference) => definitions[reference]);
  const [only] = found;
  if (found.length === 1) return isObject(only) ? only : undefined;
  return found.filter(isObject).find((one) => one["block_type_slug"] === slug);
}

/** Numbers that kept their text are written as it. */
function textOf(fields: SchemaFields): string {
  return writePythonJson(fields);
}

/** The newest schema of a checksum, of a version unless that is null. */
export function blockSchemaByChecksum(
  store: Store,
  checksum: string,
  version: string | null,
): BlockSchemaRow | undefined {
  const query = store.statement(
    "SELECT * FROM block_schema WHERE checksum = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY no DESC LIMIT 1",
  );
  // STRICT table: the columns have these types.
  return query.get(checksum, version) as BlockSchemaRow | undefined;
}

/** Finds a schema by id. */
export function blockSchemaById(store: Store, id: string): BlockSchemaRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM block_schema WHERE id = ?").get(id) as BlockSchemaRow | undefined;
}

/** Takes a schema away with its documents. Runs inside a write. */
export function deleteBlockSchema(store: Store, id: string): void {
  const documents = "SELECT id FROM block_document WHERE block_schema_id = ?";
  store
    .statement(
      `DELETE FROM block_document_reference WHERE parent_id IN (${documents}) OR reference_id IN (${documents})`,
    )
    .run(id, id);
  store.statement("DELETE FROM block_document WHERE block_schema_id = ?").run(id);
  store.statement("DELETE FROM block_schema WHERE id = ?").run(id);
}

/** The fields of a schema. */
export function fieldsOf(row: BlockSchemaRow): SchemaFields {
  // Only this file writes the column.
  return JSON.parse(row.fields) as SchemaFields;
}

/** Names of the secrets in a schema's data: dotted paths. */
export function secretFieldsOf(row: BlockSchemaRow): string[] {
  const listed = fieldsOf(row)["secret_fields"];
  return Array.isArray(listed) ? listed.map(String) : [];
}

/** A block schema as the wire shows it. */
export function blockSchemaBody(store: Store, row: BlockSchemaRow): BlockSchema {
  const type = blockTypeById(store, row.block_type_id);
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    checksum: row.checksum,
    fields: fieldsOf(row),
    block_type_id: row.block_type_id,
    block_type: type ? blockTypeBody(type) : null,
    // Only this file writes the column.
    capabilities: JSON.parse(row.capabilities) as string[],
    version: row.version,
  };
}
