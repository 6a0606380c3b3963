import { type Command, InvalidArgumentError } from "commander";
import { STATE_TYPES, type StateType } from "../wire/state-types.ts";
import { type FilterBody, PAGE_LIMIT } from "./api-calls.ts";

const DEFAULT_LIMIT = 20;

/** The options of `ls` that are the same for all runs. */
export interface ListOptions {
  readonly state?: readonly StateType[];
  readonly limit: number;
}

/** Adds `--state` and `--limit`. */
export function withRunFilters(command: Command): Command {
  return command
    .option("--state <type>", "Only runs in this state (several: a comma list)", readStates)
    .option("--limit <n>", "At most so many, newest first", readLimit, DEFAULT_LIMIT);
}

/** Reads a whole number of 1 or more. */
export function readLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw new InvalidArgumentError("It must be a whole number of 1 or more.");
  return limit;
}

function readStates(text: string, before?: readonly StateType[]): readonly StateType[] {
  const types = text.split(",").map((word) => {
    const type = STATE_TYPES.find((known) => known === word.trim().toUpperCase());
    if (type === undefined) throw new InvalidArgumentError(`The states are ${STATE_TYPES.join(", ")}.`);
    return type;
  });
  return [...(before ?? []), ...types];
}

/** Reads pages of a filter until `limit` rows are there or no more come. */
export async function readPages<Row>(
  read: (body: FilterBody) => Promise<readonly Row[]>,
  body: FilterBody,
  limit: number,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  while (rows.length < limit) {
    const size = Math.min(PAGE_LIMIT, limit - rows.length);
    // Each page starts where the one before it ended.
    // oxlint-disable-next-line no-await-in-loop
    const page = await read({ ...body, limit: size, offset: rows.length });
    rows.push(...page);
    if (page.length < size) break;
  }
  return rows;
}
