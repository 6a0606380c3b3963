import type { BlockSchemaCreate, ReadBlockSchemasBody } from "../../wire/contract/shapes.ts";
import { Refusal, reply } from "../api-reply.ts";
import {
  blockSchemaBody,
  blockSchemaByChecksum,
  blockSchemaById,
  deleteBlockSchema,
  ensureBlockSchema,
  type BlockSchemaRow,
} from "../blocks/block-schemas.ts";
import { blockTypeById } from "../blocks/block-types.ts";
import { readKeepingNumbers, writePythonJson } from "../blocks/python-json.ts";
import { isObject } from "../check-records.ts";
import { combine } from "../queries/condition.ts";
import { blockSchemaCondition } from "../queries/filter-blocks.ts";
import { bounds } from "../queries/read-runs.ts";
import { found, param, type Handlers } from "./handler.ts";

/** Block schemas and what blocks can do. Bodies have the shapes of the route table's schemas. */
export const blockSchemaHandlers: Handlers = {
  "POST /block_schemas/": async (call, { store }) => {
    const body = call.body as BlockSchemaCreate;
    const { row, isNew } = await store.write(() => {
      if (!blockTypeById(store, body.block_type_id))
        throw new Refusal(404, `Block type ${body.block_type_id} not found.`);
      return ensureBlockSchema(store, {
        block_type_id: body.block_type_id,
        fieldsText: fieldsText(call.text ?? "{}"),
        capabilities: body.capabilities ?? [],
        version: body.version ?? "non-versioned",
      });
    });
    return reply(isNew ? 201 : 200, await store.read(() => blockSchemaBody(store, row)));
  },
  "GET /block_schemas/{id}": async (call, { store }) => {
    const body = await store.read(() =>
      blockSchemaBody(store, found(blockSchemaById(store, param(call, "id")), "Block schema")),
    );
    return reply(200, body);
  },
  "GET /block_schemas/checksum/{checksum}": async (call, { store }) => {
    const body = await store.read(() => {
      const row = blockSchemaByChecksum(store, param(call, "checksum"), call.query.get("version"));
      return blockSchemaBody(store, found(row, "Block schema"));
    });
    return reply(200, body);
  },
  "POST /block_schemas/filter": async (call, { store }) => {
    const body = call.body as ReadBlockSchemasBody;
    const where = combine([blockSchemaCondition(body.block_schemas)]);
    const sql = `SELECT s.* FROM block_schema s WHERE ${where.sql} ORDER BY s.no DESC LIMIT ? OFFSET ?`;
    const bodies = await store.read(() => {
      // STRICT table: the columns have these types.
      const rows = store.query(sql, [...where.parameters, ...bounds(body)]) as unknown as BlockSchemaRow[];
      return rows.map((row) => blockSchemaBody(store, row));
    });
    return reply(200, bodies);
  },
  "DELETE /block_schemas/{id}": async (call, { store }) => {
    await store.write(() => {
      const row = found(blockSchemaById(store, param(call, "id")), "Block schema");
      if (blockTypeById(store, row.block_type_id)?.is_protected === 1)
        throw new Refusal(403, "Block schemas for protected block types cannot be deleted.");
      deleteBlockSchema(store, row.id);
    });
    return reply(204);
  },
  "GET /block_capabilities/": async (_call, { store }) => {
    const sql = "SELECT DISTINCT c.value FROM block_schema s, json_each(s.capabilities) c";
    const rows = await store.read(() => store.query(sql, []));
    return reply(
      200,
      rows.map(({ value }) => value),
    );
  },
};

/** The fields as the client wrote them: their numbers count in the checksum. */
function fieldsText(body: string): string {
  const read = readKeepingNumbers(body);
  return writePythonJson(isObject(read) ? (read["fields"] ?? {}) : {});
}
