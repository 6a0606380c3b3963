import { isObject } from "../check-records.ts";
import { FLOW_RUN_ORDERS_WITHOUT_INDEX } from "../queries/read-runs.ts";

/** Rows that are passed by before a page begins: a millisecond or two. */
const MOST_PASSED = 2000;
const PAGE_FIELDS: ReadonlySet<string> = new Set(["sort", "limit", "offset"]);

/**
 * Whether a request is answered by a few rows along an index, however large the database is: then the way to another thread costs more than it saves.
 *
 * @param route method and path of the route table
 */
export function isShortRead(route: string, body: unknown): boolean {
  if (route !== "POST /flow_runs/filter" || !isObject(body)) return false;
  const { sort = "ID_DESC", offset = 0 } = body;
  const isWhole = Object.entries(body).every(([name, value]) => PAGE_FIELDS.has(name) || value === null);
  return isWhole && !FLOW_RUN_ORDERS_WITHOUT_INDEX.has(String(sort)) && Number(offset) <= MOST_PASSED;
}
