import type { FlowRunNode, RunTree, StateCounts, TaskGroupNode } from "../../wire/run-tree.ts";

// Built for the tests of this folder: a test shows only what matters to it. Times are seconds after this instant.
const ORIGIN_MS = Date.parse("2026-01-01T00:00:00.000Z");

/** A wire timestamp `seconds` after the origin of the tests; null stays null. */
export function at(seconds: number): string;
export function at(seconds: number | null): string | null;
export function at(seconds: number | null): string | null {
  return seconds === null ? null : new Date(ORIGIN_MS + seconds * 1000).toISOString();
}

/** A flow run that started at 0 and still runs, unless said otherwise; `start` and `end` in seconds. */
export function flowNode(
  parts: Partial<Omit<FlowRunNode, "start_time" | "end_time">> & { start?: number | null; end?: number | null } = {},
): FlowRunNode {
  const { start = 0, end = null, ...rest } = parts;
  const state_type = rest.state_type ?? (end !== null ? "COMPLETED" : start === null ? "PENDING" : "RUNNING");
  return {
    id: "run-1",
    name: "brave-otter",
    flow_name: "subflow",
    state_type,
    state_name: `${state_type[0] ?? ""}${state_type.slice(1).toLowerCase()}`,
    state_message: null,
    start_time: at(start),
    end_time: at(end),
    total_run_time: start !== null && end !== null ? end - start : 0,
    run_count: start === null ? 0 : 1,
    tasks: [],
    flow_runs: [],
    ...rest,
  };
}

/** The task runs of one task; `first` and `last` in seconds. */
export function taskNode(
  name: string,
  counts: StateCounts,
  times: { readonly first?: number | null; readonly last?: number | null; readonly seconds?: number } = {},
): TaskGroupNode {
  return {
    name,
    task_key: name,
    counts,
    first_start_time: at(times.first ?? 0),
    last_end_time: at(times.last ?? null),
    total_run_time: times.seconds ?? 0,
  };
}

/** A tree as it was `now` seconds after the origin. */
export function runTree(now: number, root: FlowRunNode): RunTree {
  return { now: at(now), root };
}
