import type {
  BlockDocumentCreate,
  BlockDocumentUpdate,
  CountBlockDocumentsBody,
  ReadBlockDocumentsBody,
} from "../../wire/contract/shapes.ts";
import { InvalidRequest, Refusal, reply } from "../api-reply.ts";
import {
  blockDocumentBody,
  blockDocumentById,
  createBlockDocument,
  deleteBlockDocument,
  updateBlockDocument,
  type BlockDocumentRow,
} from "../blocks/block-documents.ts";
import { tellBlockDocument } from "../blocks/block-events.ts";
import { clearResultStorage } from "../blocks/result-storage.ts";
import { whereBlockDocuments } from "../queries/filter-blocks.ts";
import { checkSlug } from "../request/check-names.ts";
import { valueFault } from "../request/faults.ts";
import { bounds } from "../queries/read-runs.ts";
import type { ServerCore } from "../server-core.ts";
import { found, param, type Handlers } from "./handler.ts";

const FROM = "block_document d JOIN block_type b ON b.id = d.block_type_id";
const ORDER: Readonly<Record<string, string>> = {
  NAME_DESC: "d.name DESC, d.no",
  NAME_ASC: "d.name, d.no",
  BLOCK_TYPE_AND_NAME_ASC: "b.name, d.name, d.no",
};

/** Block documents. Bodies have the shapes of the route table's schemas. */
export const blockDocumentHandlers: Handlers = {
  "POST /block_documents/": async (call, core) => {
    const body = call.body as BlockDocumentCreate;
    checkSlug("Block document name", "name", { ...body });
    if (!body.is_anonymous && !body.name) {
      throw new InvalidRequest([valueFault(["body"], "Names must be provided for block documents.", body)], body);
    }
    const safe = safeOf(core);
    const created = await core.store.write(() => {
      const row = createBlockDocument(safe, body);
      tellBlockDocument(core, "created", { safe, row });
      return blockDocumentBody(safe, row, false);
    });
    return reply(201, created);
  },
  "GET /block_documents/{id}": async (call, core) => {
    const isShown = call.query.get("include_secrets") === "true";
    const body = await core.store.read(() => {
      const row = found(blockDocumentById(core.store, param(call, "id")), "Block document");
      return blockDocumentBody(safeOf(core), row, isShown);
    });
    return reply(200, body);
  },
  "POST /block_documents/filter": async (call, core) => {
    const body = call.body as ReadBlockDocumentsBody;
    const where = whereBlockDocuments(body);
    const order = ORDER[body.sort ?? "NAME_ASC"] ?? "d.name";
    const sql = `SELECT d.* FROM ${FROM} WHERE ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`;
    const bodies = await core.store.read(() => {
      // STRICT table: the columns have these types.
      const rows = core.store.query(sql, [...where.parameters, ...bounds(body)]) as unknown as BlockDocumentRow[];
      return rows.map((row) => blockDocumentBody(safeOf(core), row, body.include_secrets ?? false));
    });
    return reply(200, bodies);
  },
  "POST /block_documents/count": async (call, { store }) => {
    const where = whereBlockDocuments(call.body as CountBlockDocumentsBody);
    const sql = `SELECT count(*) AS n FROM ${FROM} WHERE ${where.sql}`;
    const [row] = await store.read(() => store.query(sql, where.parameters));
    return reply(200, row?.["n"]);
  },
  "PATCH /block_documents/{id}": async (call, core) => {
    const safe = safeOf(core);
    await core.store.write(() => {
      updateBlockDocument(safe, param(call, "id"), call.body as BlockDocumentUpdate);
      const row = blockDocumentById(core.store, param(call, "id"));
      if (row) tellBlockDocument(core, "updated", { safe, row });
    });
    return reply(204);
  },
  "DELETE /block_documents/{id}": async (call, core) => {
    const safe = safeOf(core);
    await core.store.write(() => {
      const row = blockDocumentById(core.store, param(call, "id"));
      if (!row) throw new Refusal(404, "Block document not found");
      tellBlockDocument(core, "deleted", { safe, row });
      deleteBlockDocument(core.store, row.id);
      clearResultStorage(core.store, row.id);
    });
    return reply(204);
  },
};

function safeOf({ store, box }: ServerCore): Parameters<typeof createBlockDocument>[0] {
  return { store, box: box() };
}
