import type { FlowRunNode, RunTree, StateCounts } from "../../wire/run-tree.ts";
import { childFlowCounts, finalOf, totalOf } from "./run-counts.ts";

// A rate over the last ten seconds follows a change of speed, and does not jump with each poll.
const WINDOW_MS = 10_000;
// Below this a rate says more about the moment of the poll than about the work.
const SHORTEST_SPAN_MS = 400;

/** How fast the runs of one group end. */
export interface Pace {
  /** Final runs per second. */
  readonly perSecond: number;
  /** Milliseconds until the runs known so far are final at this rate; null when nothing ends or nothing is left. */
  readonly leftMs: number | null;
}

interface Sample {
  readonly atMs: number;
  readonly final: number;
}

/** The samples of one look at the tree. */
interface Look {
  readonly nowMs: number;
  readonly into: Map<string, readonly Sample[]>;
}

/** Names the group of one task inside a flow run, for {@link PaceMeter.pace}. */
export function taskPaceKey(flowRunId: string, taskKey: string): string {
  return `${flowRunId}/${taskKey}`;
}

/** Measures how fast task runs and child flow runs of each flow run end, from the trees it is shown. */
export class PaceMeter {
  #samples = new Map<string, readonly Sample[]>();
  #totals = new Map<string, number>();

  /** Takes a sample of every open group of the tree; groups that are over are forgotten. */
  observe(tree: RunTree): void {
    const samples = new Map<string, readonly Sample[]>();
    this.#totals.clear();
    this.#visit(tree.root, Date.parse(tree.now), samples);
    this.#samples = samples;
  }

  /** The pace of a group ({@link taskPaceKey}, or a flow run's id for its child flow runs); undefined until it is known. */
  pace(key: string): Pace | undefined {
    const samples = this.#samples.get(key);
    const first = samples?.[0];
    const last = samples?.at(-1);
    if (!first || !last || last.atMs - first.atMs < SHORTEST_SPAN_MS) return undefined;
    const perSecond = ((last.final - first.final) * 1000) / (last.atMs - first.atMs);
    const left = (this.#totals.get(key) ?? last.final) - last.final;
    return { perSecond, leftMs: perSecond > 0 && left > 0 ? (left * 1000) / perSecond : null };
  }

  #visit(node: FlowRunNode, nowMs: number, into: Map<string, readonly Sample[]>): void {
    for (const task of node.tasks) this.#keep(taskPaceKey(node.id, task.task_key), task.counts, { nowMs, into });
    if (node.flow_runs.length > 0) this.#keep(node.id, childFlowCounts(node), { nowMs, into });
    for (const child of node.flow_runs) this.#visit(child, nowMs, into);
  }

  #keep(key: string, counts: StateCounts, { nowMs: atMs, into }: Look): void {
    const total = totalOf(counts);
    const final = finalOf(counts);
    if (final === total) return;
    const kept = (this.#samples.get(key) ?? []).filter(
      (sample) => atMs - sample.atMs <= WINDOW_MS && sample.atMs < atMs,
    );
    into.set(key, [...kept, { atMs, final }]);
    this.#totals.set(key, total);
  }
}
