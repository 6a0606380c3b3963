import type { TagLimit, TaskFacts } from "../../../rules/policies/task-policy.ts";
import { jitteredWait } from "../../../rules/concurrency-slots.ts";
import { retryDelaySeconds } from "../../../rules/retry-delay.ts";
import type { RunState } from "../../../rules/run-state.ts";
import type { ServerSettings } from "../../../wire/server-settings.ts";
import { leasesOfHolder } from "../../concurrency/concurrency-leases.ts";
import {
  activeSlots,
  hasFreeSlots,
  limitsByName,
  TAG_PREFIX,
  type ConcurrencyLimitRow,
} from "../../concurrency/concurrency-limits.ts";
import type { Store } from "../../db/store.ts";
import type { TaskRunRow } from "../../db/task-run-table.ts";
import { detailsOfTaskRun } from "../../queries/render.ts";
import { stateNow } from "../proposals.ts";
import { cachedState } from "./task-cache.ts";

/** Settings that rules of task runs ask for. */
export type TaskSettings = Pick<ServerSettings, "tagSlotWaitSeconds" | "maxCacheKeyLength">;

/** `empirical_policy` of a task run as stored: Prefect's TaskRunPolicy. */
interface StoredTaskPolicy {
  readonly retries?: number | null;
  readonly max_retries?: number;
  readonly retry_delay?: number | readonly number[] | null;
  readonly retry_delay_seconds?: number;
  readonly retry_jitter_factor?: number | null;
}

/** What the rules must know of a stored task run; what a transition cannot need is not looked up. Runs inside a write. */
export function taskFactsOf(
  { store, settings }: { readonly store: Store; readonly settings: TaskSettings },
  row: TaskRunRow,
  proposed: RunState,
): TaskFacts {
  const details = detailsOfTaskRun(row);
  const nowUs = proposed.timestampUs;
  const isRunning = proposed.type === "RUNNING";
  const tags = isRunning && proposed.details["deferred"] !== true ? (details.tags ?? []) : [];
  const limits = tags.length === 0 || leasesOfHolder(store, row.id).length > 0 ? [] : limitsOf(store, tags);
  const flowRun = isRunning && row.flow_run_id !== null ? store.flowRuns.byId(row.flow_run_id) : undefined;
  return {
    nowUs,
    runCount: row.run_count,
    ...retriesOf(row, details.empirical_policy ?? {}),
    flowRun: flowRun ? { id: flowRun.id, state: stateNow(flowRun), runCount: flowRun.run_count } : null,
    flowRunRunCount: details.flow_run_run_count ?? 0,
    cached: isRunning ? cachedState(store, proposed) : null,
    maxCacheKeyLength: settings.maxCacheKeyLength,
    tagLimits: limits.map((limit) => tagLimitOf(limit, nowUs)),
    slotWaitSeconds: waitFor(limits, settings, nowUs),
  };
}

function limitsOf(store: Store, tags: readonly string[]): ConcurrencyLimitRow[] {
  const names = tags.map((tag) => TAG_PREFIX + tag);
  return limitsByName(store, names).filter((limit) => limit.active === 1);
}

function retriesOf(row: TaskRunRow, policy: StoredTaskPolicy): Pick<TaskFacts, "retries" | "retryDelaySeconds"> {
  const delay = policy.retry_delay || policy.retry_delay_seconds || 0;
  const jitter = { factor: policy.retry_jitter_factor ?? 0, random: Math.random() };
  return {
    retries: policy.retries || policy.max_retries || null,
    retryDelaySeconds: retryDelaySeconds(delay, Math.max(1, row.run_count), jitter),
  };
}

function tagLimitOf(limit: ConcurrencyLimitRow, nowUs: number): TagLimit {
  const tag = limit.name.slice(TAG_PREFIX.length);
  return { id: limit.id, tag, maxSlots: limit.max_slots, hasFreeSlot: hasFreeSlots(limit, 1, nowUs) };
}

/** As long as a slot of the fullest limit is held on average, and at most as the settings say. */
function waitFor(limits: readonly ConcurrencyLimitRow[], settings: TaskSettings, nowUs: number): number {
  const load = (limit: ConcurrencyLimitRow): number => activeSlots(limit, nowUs) / limit.max_slots;
  const fullest = limits.toSorted((one, other) => load(other) - load(one))[0];
  if (!fullest) return 0;
  const most = settings.tagSlotWaitSeconds;
  const average = Math.min(fullest.avg_slot_occupancy_seconds || most, most);
  return Math.round(jitteredWait(average, Math.random()));
}
