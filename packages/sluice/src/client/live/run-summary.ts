import type { StateType } from "../../wire/state-types.ts";
import type { FlowRunNode, RunTree, StateCounts } from "../../wire/run-tree.ts";
import { criticalPath, type PathLevel } from "./critical-path.ts";
import { addCounts, instantMs, totalOf } from "./run-counts.ts";

// As many as a reader compares at a glance; `inspect` shows the rest.
const SLOWEST = 5;

/** A child that took long. */
export interface SlowRun {
  readonly kind: "flow" | "task";
  readonly name: string;
  readonly runName: string | null;
  readonly flowRunId: string | null;
  /** Milliseconds spent running; for a task the mean over its runs. */
  readonly durationMs: number;
  /** How many runs this stands for: 1 for a flow run. */
  readonly count: number;
}

/** What a finished (or running) flow run took and where its time went. Durations in milliseconds. */
export interface RunSummary {
  readonly flowRunId: string;
  readonly flowName: string;
  readonly runName: string;
  readonly stateType: StateType;
  readonly stateName: string;
  readonly stateMessage: string | null;
  /** Start to end of the root, to now while it runs. */
  readonly wallMs: number;
  /** Time spent running, summed over the runs directly below the root: subflows and tasks. */
  readonly childRunMs: number;
  /** `childRunMs / wallMs`: how many runs went on at once on average; null without children or without a start. */
  readonly speedup: number | null;
  /** The longest chain of children, level by level from the root; empty before the start. */
  readonly criticalPath: readonly PathLevel[];
  /** All flow runs below the root. */
  readonly flowRunCounts: StateCounts;
  /** Flow runs that the tree only counts, because there were too many: their run times, tasks and subflows are not in the other figures. */
  readonly omittedFlowRuns: number;
  /** All task runs of the tree. */
  readonly taskRunCounts: StateCounts;
  /** The slowest flow runs below the root, or the slowest tasks when there are none; at most five. */
  readonly slowest: readonly SlowRun[];
}

/** Sums up a run tree. Pure; a run that is not over yet is measured up to the tree's `now`. */
export function summarise(tree: RunTree): RunSummary {
  const { root } = tree;
  const nowMs = Date.parse(tree.now);
  const startMs = instantMs(root.start_time);
  const wallMs = startMs === null ? 0 : Math.max(0, (instantMs(root.end_time) ?? nowMs) - startMs);
  const childRunMs = childSeconds(root) * 1000;
  const flowRunCounts: Partial<Record<StateType, number>> = {};
  const taskRunCounts: Partial<Record<StateType, number>> = {};
  countBelow(root, flowRunCounts, taskRunCounts);
  return {
    flowRunId: root.id,
    flowName: root.flow_name,
    runName: root.name,
    stateType: root.state_type,
    stateName: root.state_name,
    stateMessage: root.state_message,
    wallMs,
    childRunMs,
    speedup: wallMs > 0 && childRunMs > 0 ? childRunMs / wallMs : null,
    criticalPath: startMs === null ? [] : criticalPath(root, nowMs),
    flowRunCounts,
    taskRunCounts,
    omittedFlowRuns: omittedIn(root),
    slowest: slowestOf(root),
  };
}

function childSeconds(node: FlowRunNode): number {
  const flows = node.flow_runs.reduce((sum, child) => sum + child.total_run_time, 0);
  return node.tasks.reduce((sum, task) => sum + task.total_run_time, flows);
}

function countBelow(
  node: FlowRunNode,
  flowRuns: Partial<Record<StateType, number>>,
  taskRuns: Partial<Record<StateType, number>>,
): void {
  for (const task of node.tasks) addCounts(taskRuns, task.counts);
  addCounts(flowRuns, node.omitted_flow_runs ?? {});
  for (const child of node.flow_runs) {
    addCounts(flowRuns, { [child.state_type]: 1 });
    countBelow(child, flowRuns, taskRuns);
  }
}

function omittedIn(node: FlowRunNode): number {
  return node.flow_runs.reduce((sum, child) => sum + omittedIn(child), totalOf(node.omitted_flow_runs ?? {}));
}

function slowestOf(root: FlowRunNode): SlowRun[] {
  const flowRuns: SlowRun[] = [];
  const tasks: SlowRun[] = [];
  const visit = (node: FlowRunNode): void => {
    for (const task of node.tasks) {
      const count = Object.values(task.counts).reduce((sum, part) => sum + part, 0);
      const durationMs = count === 0 ? 0 : (task.total_run_time * 1000) / count;
      tasks.push({ kind: "task", name: task.name, runName: null, flowRunId: null, durationMs, count });
    }
    for (const child of node.flow_runs) {
      const durationMs = child.total_run_time * 1000;
      flowRuns.push({
        kind: "flow",
        name: child.flow_name,
        runName: child.name,
        flowRunId: child.id,
        durationMs,
        count: 1,
      });
      visit(child);
    }
  };
  visit(root);
  const from = flowRuns.length > 0 ? flowRuns : tasks;
  return from.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, SLOWEST);
}
