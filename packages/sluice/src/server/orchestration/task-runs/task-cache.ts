import type { RunState } from "../../../rules/run-state.ts";
import { isoToMicros } from "../../../wire/timestamp.ts";
import type { Store } from "../../db/store.ts";
import { decodeTransitions, stateOf } from "../../db/transitions.ts";

/** Which state is kept: that at a position of a task run's history. */
export interface CachedAt {
  readonly taskRunId: string;
  readonly index: number;
}

/** The newest state that is kept under the cache key of a proposed one; null when it has none, when it was asked to be refreshed, or is there no more. */
export function cachedState(store: Store, { details }: RunState): RunState | null {
  const key = details["cache_key"];
  if (typeof key !== "string" || key === "" || details["refresh_cache"] === true) return null;
  const query = store.statement(
    `SELECT task_run_id, state_index FROM task_run_cache WHERE key = ? AND (expires IS NULL OR expires > ?) ORDER BY no DESC LIMIT 1`,
  );
  const found = query.get(key, store.nowUs());
  const run = found && store.taskRuns.byId(String(found["task_run_id"]));
  const transition = run && decodeTransitions(run.transitions)[Number(found["state_index"])];
  return transition ? stateOf(transition) : null;
}

/** Keeps a state under a key, until it expires (an ISO 8601 instant) or its task run is deleted. Runs inside a write. */
export function insertIntoCache(
  store: Store,
  { taskRunId, index }: CachedAt,
  { key, expiration }: { readonly key: string; readonly expiration: string | null },
): void {
  const expires = expiration === null ? null : (isoToMicros(expiration) ?? null);
  store
    .statement("INSERT INTO task_run_cache (key, expires, task_run_id, state_index) VALUES (?, ?, ?, ?)")
    .run(key, expires, taskRunId, index);
}
