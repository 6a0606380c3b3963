import type { BlockDocumentFilter, BlockSchemaFilter, BlockTypeFilter } from "../../wire/contract/shapes.ts";
import { combine, isAny, isLike, member, type Condition } from "./condition.ts";

/** Conditions on block types, whose table is `t`. */
export function blockTypeCondition(filter: BlockTypeFilter | null | undefined): Condition | undefined {
  if (!filter) return undefined;
  return combine([isLike("t.name", filter.name?.like_), isAny("t.slug", filter.slug?.any_)]);
}

/** Conditions on block schemas, whose table is `s`. */
export function blockSchemaCondition(filter: BlockSchemaFilter | null | undefined): Condition | undefined {
  if (!filter) return undefined;
  const { block_capabilities: capabilities } = filter;
  return combine(
    [
      member(filter.id, isAny("s.id", filter.id?.any_)),
      member(filter.block_type_id, isAny("s.block_type_id", filter.block_type_id?.any_)),
      member(filter.version, isAny("s.version", filter.version?.any_)),
      member(
        capabilities,
        capabilities?.all_ && capabilities.all_.length > 0
          ? {
              sql: "NOT EXISTS (SELECT 1 FROM json_each(?) w WHERE w.value NOT IN (SELECT value FROM json_each(s.capabilities)))",
              parameters: [JSON.stringify(capabilities.all_)],
            }
          : undefined,
      ),
    ],
    filter.operator,
  );
}

/** What block documents can be asked by. */
export interface BlockDocumentFilters {
  readonly block_documents?: BlockDocumentFilter | null;
  readonly block_types?: BlockTypeFilter | null;
  readonly block_schemas?: BlockSchemaFilter | null;
}

/** Conditions on block documents, whose table is `d`; anonymous ones are left out unless the filter asks for them. */
export function whereBlockDocuments(filters: BlockDocumentFilters): Condition {
  const filter = filters.block_documents ?? {};
  const anonymous = filter.is_anonymous === undefined ? { eq_: false } : filter.is_anonymous;
  const type = blockTypeCondition(filters.block_types);
  const schema = blockSchemaCondition(filters.block_schemas);
  return combine([
    combine(
      [
        member(filter.id, isAny("d.id", filter.id?.any_)),
        member(filter.block_type_id, isAny("d.block_type_id", filter.block_type_id?.any_)),
        member(filter.name, isAny("d.name", filter.name?.any_), isLike("d.name", filter.name?.like_)),
        member(
          anonymous,
          typeof anonymous?.eq_ === "boolean"
            ? { sql: "d.is_anonymous = ?", parameters: [anonymous.eq_ ? 1 : 0] }
            : undefined,
        ),
      ],
      filter.operator,
    ),
    type && {
      sql: `d.block_type_id IN (SELECT t.id FROM block_type t WHERE ${type.sql})`,
      parameters: type.parameters,
    },
    schema && {
      sql: `d.block_schema_id IN (SELECT s.id FROM block_schema s WHERE ${schema.sql})`,
      parameters: schema.parameters,
    },
  ]);
}
