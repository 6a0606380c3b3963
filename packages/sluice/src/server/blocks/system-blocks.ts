import type { Store } from "../db/store.ts";
import { ensureBlockSchema } from "./block-schemas.ts";
import { blockTypeBySlug, insertBlockType } from "./block-types.ts";
import { SYSTEM_BLOCKS, type SystemBlock } from "./system-block-list.ts";

/** Makes the block types that a server has from its start, as far as they are not there. Runs inside a write. */
export function installSystemBlocks(store: Store): void {
  for (const block of SYSTEM_BLOCKS) {
    const { name, slug, description } = block;
    const type =
      blockTypeBySlug(store, slug) ??
      insertBlockType(store, { name, slug, description, isProtected: block.isProtected ?? false });
    ensureBlockSchema(store, {
      block_type_id: type.id,
      fieldsText: JSON.stringify(fieldsOf(block)),
      capabilities: block.capabilities,
      version: "non-versioned",
    });
  }
}

function fieldsOf({ name, slug, properties, required, description }: SystemBlock): Record<string, unknown> {
  const shown = Object.entries(properties).map(([key, one]) => {
    const { isSecret = false, ...rest } = one;
    return [key, isSecret ? { ...rest, format: "password", writeOnly: true } : rest] as const;
  });
  return {
    title: name.replaceAll(" ", ""),
    description,
    type: "object",
    properties: Object.fromEntries(shown),
    ...(required.length > 0 ? { required } : {}),
    block_type_slug: slug,
    secret_fields: Object.entries(properties).flatMap(([key, { isSecret }]) => (isSecret ? [key] : [])),
    block_schema_references: {},
  };
}
