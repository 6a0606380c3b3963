import type { EventLog, NewEvent } from "../events/event-log.ts";
import type { Store } from "../db/store.ts";
import type { BlockDocumentRow, BlockSafe } from "./block-documents.ts";
import { blockDocumentBody } from "./block-documents.ts";
import { blockSchemaById, secretFieldsOf } from "./block-schemas.ts";
import type { BlockTypeRow } from "./block-types.ts";

type Act = "created" | "updated" | "deleted";

/** Tells of a block type. Runs inside the write that changes it. */
export function tellBlockType(events: EventLog, act: Act, type: BlockTypeRow): void {
  events.append({
    event: `prefect.block-type.${act}`,
    resource: { "prefect.resource.id": `prefect.block-type.${type.id}`, "prefect.resource.name": type.name },
    payload: {
      name: type.name,
      slug: type.slug,
      logo_url: type.logo_url,
      documentation_url: type.documentation_url,
      description: type.description,
      code_example: type.code_example,
      is_protected: type.is_protected === 1,
    },
  });
}

/** Tells of a block document that is not anonymous, with those of its texts that are no secrets. Runs inside the write that changes it. */
export function tellBlockDocument(
  core: { readonly store: Store; readonly events: EventLog },
  act: Act,
  { safe, row }: { readonly safe: BlockSafe; readonly row: BlockDocumentRow },
): void {
  if (row.is_anonymous === 1) return;
  const schema = blockSchemaById(core.store, row.block_schema_id);
  const body = blockDocumentBody(safe, row, false);
  const secrets = new Set(schema ? secretFieldsOf(schema) : []);
  const texts = Object.entries(body.data ?? {}).filter(
    ([name, value]) => !secrets.has(name) && typeof value === "string",
  );
  const related: NewEvent["related"] = [
    {
      "prefect.resource.id": `prefect.block-type.${row.block_type_id}`,
      "prefect.resource.role": "block-type",
      "prefect.resource.name": body.block_type_name ?? "",
    },
    {
      "prefect.resource.id": `prefect.block-schema.${row.block_schema_id}`,
      "prefect.resource.role": "block-schema",
    },
  ];
  const type = { id: row.block_type_id, name: body.block_type_name ?? "" };
  core.events.append({
    event: `prefect.block-document.${act}`,
    resource: { "prefect.resource.id": `prefect.block-document.${row.id}`, "prefect.resource.name": row.name },
    related,
    payload: {
      name: row.name,
      data: Object.fromEntries(texts),
      block_schema: schema ? { capabilities: body.block_schema?.capabilities ?? [], block_type: type } : null,
    },
  });
}
