import type { BlockTypeCreate, BlockTypeUpdate, ReadBlockTypesBody } from "../../wire/contract/shapes.ts";
import { Refusal, reply } from "../api-reply.ts";
import { blockDocumentBody, type BlockDocumentRow } from "../blocks/block-documents.ts";
import { tellBlockType } from "../blocks/block-events.ts";
import {
  blockTypeBody,
  blockTypeById,
  blockTypeBySlug,
  deleteBlockType,
  insertBlockType,
  updateBlockType,
  type BlockTypeRow,
} from "../blocks/block-types.ts";
import { installSystemBlocks } from "../blocks/system-blocks.ts";
import { blockSchemaCondition, blockTypeCondition } from "../queries/filter-blocks.ts";
import { combine } from "../queries/condition.ts";
import { bounds } from "../queries/read-runs.ts";
import { checkSlug } from "../request/check-names.ts";
import { found, param, type Handlers } from "./handler.ts";

/** Block types. Bodies have the shapes of the route table's schemas. */
export const blockTypeHandlers: Handlers = {
  "POST /block_types/": async (call, core) => {
    const body = call.body as BlockTypeCreate;
    checkSlug("Block type slug", "slug", { ...body });
    if (body.name.toLowerCase().startsWith("prefect"))
      throw new Refusal(403, "Block type names beginning with 'Prefect' are reserved.");
    const row = await core.store.write(() => {
      if (blockTypeBySlug(core.store, body.slug))
        throw new Refusal(409, `Block type with name "${body.name}" already exists`);
      const created = insertBlockType(core.store, body);
      tellBlockType(core.events, "created", created);
      return created;
    });
    return reply(201, blockTypeBody(row));
  },
  "GET /block_types/{id}": async (call, { store }) => {
    const row = await store.read(() => blockTypeById(store, param(call, "id")));
    return reply(200, blockTypeBody(found(row, "Block type")));
  },
  "GET /block_types/slug/{slug}": async (call, { store }) => {
    const row = await store.read(() => blockTypeBySlug(store, param(call, "slug")));
    return reply(200, blockTypeBody(found(row, "Block type")));
  },
  "POST /block_types/filter": async (call, { store }) => {
    const body = call.body as ReadBlockTypesBody;
    const schema = blockSchemaCondition(body.block_schemas);
    const where = combine([
      blockTypeCondition(body.block_types),
      schema && {
        sql: `t.id IN (SELECT s.block_type_id FROM block_schema s WHERE ${schema.sql})`,
        parameters: schema.parameters,
      },
    ]);
    const sql = `SELECT t.* FROM block_type t WHERE ${where.sql} ORDER BY t.name, t.no LIMIT ? OFFSET ?`;
    const rows = await store.read(() => store.query(sql, [...where.parameters, ...bounds(body)]));
    // STRICT table: the columns have these types.
    return reply(
      200,
      rows.map((row) => blockTypeBody(row as unknown as BlockTypeRow)),
    );
  },
  "PATCH /block_types/{id}": async (call, core) => {
    await core.store.write(() => {
      const row = found(blockTypeById(core.store, param(call, "id")), "Block type");
      if (updateBlockType(core.store, row, call.body as BlockTypeUpdate)) tellBlockType(core.events, "updated", row);
    });
    return reply(204);
  },
  "DELETE /block_types/{id}": async (call, core) => {
    await core.store.write(() => {
      const row = found(blockTypeById(core.store, param(call, "id")), "Block type");
      if (row.is_protected === 1) throw new Refusal(403, "protected block types cannot be deleted.");
      deleteBlockType(core.store, row.id);
      tellBlockType(core.events, "deleted", row);
    });
    return reply(204);
  },
  "POST /block_types/install_system_block_types": async (_call, { store }) => {
    await store.write(() => installSystemBlocks(store));
    return reply(200, null);
  },
  "GET /block_types/slug/{slug}/block_documents": async (call, { store, box }) => {
    const isShown = call.query.get("include_secrets") === "true";
    const bodies = await store.read(() => {
      const type = found(blockTypeBySlug(store, param(call, "slug")), "Block type");
      const query = "SELECT * FROM block_document WHERE block_type_id = ? AND is_anonymous = 0 ORDER BY name";
      // STRICT table: the columns have these types.
      const rows = store.query(query, [type.id]) as unknown as BlockDocumentRow[];
      return rows.map((row) => blockDocumentBody({ store, box: box() }, row, isShown));
    });
    return reply(200, bodies);
  },
  "GET /block_types/slug/{slug}/block_documents/name/{block_document_name}": async (call, { store, box }) => {
    const isShown = call.query.get("include_secrets") === "true";
    const body = await store.read(() => {
      const query = store.statement(
        "SELECT d.* FROM block_document d JOIN block_type t ON t.id = d.block_type_id WHERE t.slug = ? AND d.name = ?",
      );
      // STRICT table: the columns have these types.
      const row = query.get(param(call, "slug"), param(call, "block_document_name")) as BlockDocumentRow | undefined;
      return blockDocumentBody({ store, box: box() }, found(row, "Block document"), isShown);
    });
    return reply(200, body);
  },
};
