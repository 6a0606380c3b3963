import { isFinalStateType, type StateType } from "../../wire/state-types.ts";
import type { FlowRunNode, RunTree } from "../../wire/run-tree.ts";
import { countText, durationText } from "./duration-text.ts";
import { addCounts, finalOf, instantMs, totalOf } from "./run-counts.ts";
import { paint, paintState, stateGlyph, type Style } from "./style.ts";
import { printable } from "./text-width.ts";

// Task counts of a flow run are told again when they changed and this long has passed.
const COUNTS_EVERY_MS = 10_000;
// More starts and ends than this between two looks are told per flow, or a fan-out of thousands would drown everything else.
const LINES_PER_LOOK = 20;

interface Seen {
  readonly type: StateType;
  toldAtMs: number;
  toldFinal: number;
}

interface Change {
  readonly node: FlowRunNode;
  readonly kind: "started" | "paused" | "resumed" | "ended";
}

/** Tells the course of a run in plain lines, one look after the other: what started and ended since, task counts now and then. */
export class PlainLines {
  readonly #style: Style;
  readonly #countsEveryMs: number;
  #seen = new Map<string, Seen>();

  /** @param countsEveryMs milliseconds between two counts of the same flow run's tasks, 10,000 by default */
  constructor(style: Style, countsEveryMs: number = COUNTS_EVERY_MS) {
    this.#style = style;
    this.#countsEveryMs = countsEveryMs;
  }

  /** The lines to print for what changed since the last call. */
  next(tree: RunTree): string[] {
    const nowMs = Date.parse(tree.now);
    const startMs = instantMs(tree.root.start_time) ?? nowMs;
    const seen = new Map<string, Seen>();
    const changes: Change[] = [];
    const counts: string[] = [];
    this.#visit(tree.root, nowMs, { seen, changes, counts });
    this.#seen = seen;
    const clock = paint(this.#style, "dim", durationText(nowMs - startMs).padStart(7));
    const lines = changes.length > LINES_PER_LOOK ? this.#told(changes) : changes.map((change) => this.#line(change));
    return [...lines, ...counts].map((line) => `${clock}  ${line}`);
  }

  #visit(
    node: FlowRunNode,
    nowMs: number,
    into: { seen: Map<string, Seen>; changes: Change[]; counts: string[] },
  ): void {
    const before = this.#seen.get(node.id);
    const type = node.state_type;
    const entry: Seen = { type, toldAtMs: before?.toldAtMs ?? nowMs, toldFinal: before?.toldFinal ?? 0 };
    into.seen.set(node.id, entry);
    const isOver = isFinalStateType(type);
    const hadStarted = before !== undefined && before.type !== "PENDING" && before.type !== "SCHEDULED";
    if (!isOver && node.start_time !== null && !hadStarted) into.changes.push({ node, kind: "started" });
    if (type === "PAUSED" && before?.type !== "PAUSED") into.changes.push({ node, kind: "paused" });
    if (type === "RUNNING" && before?.type === "PAUSED") into.changes.push({ node, kind: "resumed" });
    for (const child of node.flow_runs) this.#visit(child, nowMs, into);
    if (isOver && (before === undefined || !isFinalStateType(before.type))) into.changes.push({ node, kind: "ended" });
    if (isOver) return;
    const counts = this.#countsLine(node, nowMs, entry);
    if (counts !== undefined) into.counts.push(counts);
  }

  #countsLine(node: FlowRunNode, nowMs: number, entry: Seen): string | undefined {
    const counts = node.tasks.reduce((sum, task) => addCounts(sum, task.counts), {});
    const final = finalOf(counts);
    if (final === entry.toldFinal || nowMs - entry.toldAtMs < this.#countsEveryMs) return undefined;
    entry.toldAtMs = nowMs;
    entry.toldFinal = final;
    const perTask = node.tasks
      .map((task) => `${printable(task.name)} ${countText(finalOf(task.counts))} of ${countText(totalOf(task.counts))}`)
      .join(", ");
    return `${stateGlyph(this.#style, node.state_type)} ${runName(node)}: ${perTask}`;
  }

  #line({ node, kind }: Change): string {
    const glyph = stateGlyph(this.#style, node.state_type);
    if (kind === "paused") return `${glyph} ${runName(node)} paused, goes on by: npx sluice flow-run resume ${node.id}`;
    if (kind !== "ended") return `${glyph} ${runName(node)} ${kind}`;
    const start = instantMs(node.start_time);
    const end = instantMs(node.end_time);
    const span = start === null || end === null ? "" : ` after ${durationText(end - start)}`;
    const failed = node.state_type !== "COMPLETED" && node.state_message;
    const why = failed ? `: ${printable(node.state_message.split("\n", 1)[0] ?? "")}` : "";
    return `${glyph} ${runName(node)} ${paintState(this.#style, node.state_type, node.state_name)}${span}${why}`;
  }

  #told(changes: readonly Change[]): string[] {
    const groups = new Map<string, Change[]>();
    for (const change of changes) {
      const key = `${change.node.flow_name}\n${change.kind} ${change.node.state_type}`;
      const group = groups.get(key);
      if (group) group.push(change);
      else groups.set(key, [change]);
    }
    return [...groups.values()].map((group) => {
      const first = group[0];
      if (!first || group.length === 1) return first ? this.#line(first) : "";
      const what =
        first.kind === "ended" ? paintState(this.#style, first.node.state_type, first.node.state_name) : first.kind;
      return `${stateGlyph(this.#style, first.node.state_type)} ${printable(first.node.flow_name)}: ${countText(group.length)} runs ${what}`;
    });
  }
}

function runName(node: FlowRunNode): string {
  return `${printable(node.flow_name)} ${printable(node.name)}`;
}
