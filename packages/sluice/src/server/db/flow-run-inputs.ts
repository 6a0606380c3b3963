import { newId } from "./new-id.ts";
import type { Store } from "./store.ts";

/** A value that was sent to a flow run under a key. */
export interface FlowRunInputRow {
  readonly id: string;
  readonly flow_run_id: string;
  readonly key: string;
  readonly value: string;
  readonly sender: string | null;
  readonly created: number;
  readonly updated: number;
}

/** An input to be stored. */
export type NewFlowRunInput = Pick<FlowRunInputRow, "flow_run_id" | "key" | "value" | "sender">;

/** Stores an input. Runs inside a write. @returns false when the run has one under this key */
export function insertInput(store: Store, input: NewFlowRunInput): boolean {
  const now = store.nowUs();
  const insert = store.statement(
    "INSERT INTO flow_run_input (id, flow_run_id, key, value, sender, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const { flow_run_id, key, value, sender } = input;
  return insert.run(newId(now), flow_run_id, key, value, sender, now, now).changes === 1;
}

/** The input of a run under a key. */
export function inputOf(store: Store, flowRunId: string, key: string): FlowRunInputRow | undefined {
  const query = store.statement("SELECT * FROM flow_run_input WHERE flow_run_id = ? AND key = ?");
  // STRICT table: the columns have these types.
  return query.get(flowRunId, key) as FlowRunInputRow | undefined;
}

/** The inputs of a run whose keys begin with a prefix (as SQL's LIKE reads it), oldest first. */
export function inputsOf(
  store: Store,
  flowRunId: string,
  search: { readonly prefix: string; readonly limit: number; readonly excludedKeys: readonly string[] },
): FlowRunInputRow[] {
  const query = store.statement(
    `SELECT * FROM flow_run_input WHERE flow_run_id = ? AND key LIKE ? AND key NOT IN (SELECT value FROM json_each(?)) ORDER BY created LIMIT ?`,
  );
  const rows = query.all(flowRunId, `${search.prefix}%`, JSON.stringify(search.excludedKeys), search.limit);
  // STRICT table: the columns have these types.
  return rows as unknown as FlowRunInputRow[];
}

/** Takes an input away. Runs inside a write. @returns false when there is none */
export function deleteInput(store: Store, flowRunId: string, key: string): boolean {
  const remove = store.statement("DELETE FROM flow_run_input WHERE flow_run_id = ? AND key = ?");
  return remove.run(flowRunId, key).changes === 1;
}

/** Takes all inputs of a run away. Runs inside a write. */
export function deleteInputsOf(store: Store, flowRunId: string): void {
  store.statement("DELETE FROM flow_run_input WHERE flow_run_id = ?").run(flowRunId);
}
