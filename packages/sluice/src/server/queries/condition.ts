import type { SQLInputValue } from "node:sqlite";
import { isoToMicros } from "../../wire/timestamp.ts";

/** A piece of a WHERE clause with its parameters; values never stand in the text. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

/** Combines conditions; undefined ones are left out, none at all is true. */
export function combine(
  conditions: readonly (Condition | undefined)[],
  operator: "and_" | "or_" | undefined = "and_",
): Condition {
  const given = conditions.filter((condition) => condition !== undefined);
  if (given.length === 0) return { sql: "1", parameters: [] };
  const word = operator === "or_" ? " OR " : " AND ";
  return {
    sql: `(${given.map(({ sql }) => sql).join(word)})`,
    parameters: given.flatMap(({ parameters }) => parameters),
  };
}

/**
 * What a member of a filter asks for, all of it, whatever the filter's operator. A member that is there and asks for nothing is true, and so is then an
 * `or_` around it; one that is not there is left out.
 */
export function member(
  given: object | null | undefined,
  ...conditions: (Condition | undefined)[]
): Condition | undefined {
  return given ? combine(conditions) : undefined;
}

/** `column` is one of the values. A list of any length is one parameter. */
export function isAny(column: string, values: readonly string[] | null | undefined): Condition | undefined {
  return values
    ? { sql: `${column} IN (SELECT value FROM json_each(?))`, parameters: [JSON.stringify(values)] }
    : undefined;
}

/** `column` is none of the values. */
export function isNotAny(column: string, values: readonly string[] | null | undefined): Condition | undefined {
  return values
    ? { sql: `${column} NOT IN (SELECT value FROM json_each(?))`, parameters: [JSON.stringify(values)] }
    : undefined;
}

const MAX_PATTERN = 10_000;

/** `column` contains the text, whatever the case; `%` and `_` stand for any text and any character. */
export function isLike(column: string, text: string | null | undefined): Condition | undefined {
  if (text === null || text === undefined || text === "") return undefined;
  // Longer than any name, and than what the database takes.
  if (text.length > MAX_PATTERN) return { sql: "FALSE", parameters: [] };
  return { sql: `${column} LIKE ?`, parameters: [`%${text}%`] };
}

/** `column` is null, or is not. */
export function isNull(column: string, wanted: boolean | null | undefined): Condition | undefined {
  if (wanted === null || wanted === undefined) return undefined;
  return { sql: `${column} IS ${wanted ? "" : "NOT "}NULL`, parameters: [] };
}

/** `column`, in microseconds, is at most `before_` and at least `after_`. */
export function isBetween(
  column: string,
  range: { readonly before_?: string | null; readonly after_?: string | null } | null | undefined,
): Condition | undefined {
  if (!range) return undefined;
  const before = range.before_ ? isoToMicros(range.before_) : undefined;
  const after = range.after_ ? isoToMicros(range.after_) : undefined;
  return combine([
    before === undefined ? undefined : { sql: `${column} <= ?`, parameters: [before] },
    after === undefined ? undefined : { sql: `${column} >= ?`, parameters: [after] },
  ]);
}

/** What can be asked of a JSON list of tags. */
export interface TagFilter {
  readonly operator?: "and_" | "or_";
  readonly all_?: readonly string[] | null;
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
}

/** The JSON list of tags holds what is asked. */
export function hasTags(column: string, filter: TagFilter | null | undefined): Condition | undefined {
  if (!filter) return undefined;
  const { all_: all, any_: some, is_null_: none } = filter;
  const conditions: (Condition | undefined)[] = [
    all
      ? {
          sql: `NOT EXISTS (SELECT 1 FROM json_each(?) w WHERE w.value NOT IN (SELECT value FROM json_each(${column})))`,
          parameters: [JSON.stringify(all)],
        }
      : undefined,
    some
      ? {
          sql: `EXISTS (SELECT 1 FROM json_each(${column}) h WHERE h.value IN (SELECT value FROM json_each(?)))`,
          parameters: [JSON.stringify(some)],
        }
      : undefined,
    none === null || none === undefined
      ? undefined
      : { sql: `${none ? "" : "NOT "}(json_array_length(${column}) = 0)`, parameters: [] },
  ];
  return combine(conditions, filter.operator);
}
