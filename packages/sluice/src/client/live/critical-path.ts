import type { FlowRunNode } from "../../wire/run-tree.ts";
import { instantMs, totalOf } from "./run-counts.ts";

// A child counts as the predecessor of one that started up to this long before its end was recorded: both ends have clocks of their own.
const OVERLAP_MS = 5;
// Deeper levels are shares of shares; `inspect` of a child shows them.
const LEVELS = 4;

/** Children of one flow run that ran one after the other and are counted together: one, or several of the same flow or task. */
export interface PathStep {
  readonly kind: "flow" | "task";
  /** The flow's or task's name. */
  readonly name: string;
  /** The flow run's name when the step is one flow run, else null. */
  readonly runName: string | null;
  /** How many children in a row; task runs of one task are one child. */
  readonly count: number;
  /** Milliseconds, summed over them. */
  readonly durationMs: number;
}

/** A flow run on the critical path with the chain of children that ends last in it. */
export interface PathLevel {
  readonly flowRunId: string;
  readonly flowName: string;
  readonly runName: string;
  /** Milliseconds from start to end. */
  readonly durationMs: number;
  /** In order of time: each began when the one before it had ended. */
  readonly chain: readonly PathStep[];
}

interface Span extends PathStep {
  readonly startMs: number;
  readonly endMs: number;
  readonly node?: FlowRunNode;
}

/**
 * Follows the longest chain through a flow run: from the child that ended last back to the child that ended before it began, and so on;
 * then the same inside the longest flow run of that chain, four levels at most.
 *
 * Shortening what is not on it does not shorten the run. Pure; children that go on are taken to end at `nowMs`.
 */
export function criticalPath(root: FlowRunNode, nowMs: number): PathLevel[] {
  const levels: PathLevel[] = [];
  let node: FlowRunNode | undefined = root;
  while (node && levels.length < LEVELS) {
    const chain = chainOf(spansOf(node, nowMs));
    if (levels.length > 0 && chain.length === 0) break;
    const startMs = instantMs(node.start_time) ?? nowMs;
    levels.push({
      flowRunId: node.id,
      flowName: node.flow_name,
      runName: node.name,
      durationMs: (instantMs(node.end_time) ?? nowMs) - startMs,
      chain: joined(chain),
    });
    const flowRuns = chain.filter((span) => span.node);
    node = flowRuns.toSorted((a, b) => b.durationMs - a.durationMs)[0]?.node;
  }
  return levels;
}

function spansOf(node: FlowRunNode, nowMs: number): Span[] {
  const spans: Span[] = [];
  const add = (step: Pick<Span, "kind" | "name" | "runName" | "node">, start: string | null, end: number): void => {
    const startMs = instantMs(start);
    if (startMs !== null) spans.push({ ...step, count: 1, startMs, endMs: end, durationMs: end - startMs });
  };
  for (const task of node.tasks) {
    const isOpen = totalOf(task.counts) > 0 && (task.counts.RUNNING ?? 0) > 0;
    const end = isOpen ? nowMs : (instantMs(task.last_end_time) ?? nowMs);
    add({ kind: "task", name: task.name, runName: null }, task.first_start_time, end);
  }
  for (const child of node.flow_runs) {
    const step = { kind: "flow", name: child.flow_name, runName: child.name, node: child } as const;
    add(step, child.start_time, instantMs(child.end_time) ?? nowMs);
  }
  return spans;
}

/** The chain in order of time. */
function chainOf(spans: readonly Span[]): Span[] {
  const chain: Span[] = [];
  let before = Number.POSITIVE_INFINITY;
  for (const span of spans.toSorted((a, b) => b.endMs - a.endMs || a.startMs - b.startMs)) {
    if (span.endMs > before + OVERLAP_MS || span.startMs >= before) continue;
    chain.push(span);
    before = span.startMs;
  }
  return chain.toReversed();
}

/** Counts neighbours of the same flow or task as one step. */
function joined(chain: readonly Span[]): PathStep[] {
  const steps: PathStep[] = [];
  for (const { kind, name, runName, durationMs } of chain) {
    const last = steps.at(-1);
    if (last?.kind === kind && last.name === name) {
      steps[steps.length - 1] = {
        ...last,
        runName: null,
        count: last.count + 1,
        durationMs: last.durationMs + durationMs,
      };
    } else steps.push({ kind, name, runName, count: 1, durationMs });
  }
  return steps;
}
