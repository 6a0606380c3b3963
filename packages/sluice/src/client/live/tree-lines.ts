import { isFinalStateType, type StateType } from "../../wire/state-types.ts";
import type { FlowRunNode, RunTree, StateCounts, TaskGroupNode } from "../../wire/run-tree.ts";
import { countText, durationText, rateText } from "./duration-text.ts";
import { type Pace, taskPaceKey } from "./pace-meter.ts";
import { addCounts, childFlowCounts, finalOf, instantMs, totalOf } from "./run-counts.ts";
import { paint, paintState, stateGlyph, type Style } from "./style.ts";
import { fitWidth, printable } from "./text-width.ts";

/** How large the drawing may get and how it may look. */
export interface TreeLinesOptions {
  /** Lines at most; the tree is collapsed until it fits. */
  readonly rows: number;
  /** Columns at most; longer lines are cut. */
  readonly columns: number;
  readonly style: Style;
  /** Rate and time left of a group, see `PaceMeter.pace`. */
  readonly pace?: (key: string) => Pace | undefined;
}

/** One line to be, with what hangs below it. */
interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

/**
 * What is folded away, each stage on top of those before it: the parts of runs that completed; completed siblings into one line per flow;
 * siblings that have not started likewise; the parts of child flow runs that still run; all siblings of a flow into one line.
 */
const STAGES = [
  "everything",
  "completed parts",
  "completed siblings",
  "waiting siblings",
  "running parts",
  "all siblings",
] as const;
const FOLD = { completedParts: 1, completedSiblings: 2, waitingSiblings: 3, runningParts: 4, allSiblings: 5 } as const;

/**
 * Draws a run tree as lines for a terminal.
 *
 * Pure. A tree larger than `rows` is folded in stages, what is finished first; what still does not fit is cut with a line that counts the
 * rest.
 */
export function treeLines(tree: RunTree, options: TreeLinesOptions): string[] {
  const nowMs = Date.parse(tree.now);
  let lines: string[] = [];
  for (const stage of STAGES.keys()) {
    lines = branchLines(new Drawing(options, nowMs, stage).flowRun(tree.root, 0), options.style);
    if (lines.length <= options.rows) break;
  }
  if (lines.length > options.rows) {
    const kept = Math.max(0, options.rows - 1);
    const more = `${options.style.unicode ? "…" : "..."} ${countText(lines.length - kept)} more lines`;
    lines = [...lines.slice(0, kept), paint(options.style, "dim", more)].slice(0, Math.max(1, options.rows));
  }
  const ellipsis = options.style.unicode ? "…" : ".";
  return lines.map((line) => fitWidth(line, options.columns, ellipsis));
}

class Drawing {
  readonly #options: TreeLinesOptions;
  readonly #nowMs: number;
  readonly #stage: number;

  constructor(options: TreeLinesOptions, nowMs: number, stage: number) {
    this.#options = options;
    this.#nowMs = nowMs;
    this.#stage = stage;
  }

  flowRun(node: FlowRunNode, depth: number): Branch {
    const { style } = this.#options;
    const parts = [
      `${stateGlyph(style, node.state_type)} ${paint(style, "bold", printable(node.flow_name))}`,
      paint(style, "dim", printable(node.name)),
      spanText(node, this.#nowMs),
      stateNote(style, node),
      this.#childProgress(node),
    ];
    return {
      text: parts.filter((part) => part !== "").join("  "),
      below: this.#isFolded(node, depth) ? [] : this.#below(node, depth),
    };
  }

  #isFolded(node: FlowRunNode, depth: number): boolean {
    if (depth === 0) return false;
    if (this.#stage >= FOLD.completedParts && node.state_type === "COMPLETED") return true;
    return this.#stage >= FOLD.runningParts;
  }

  #childProgress(node: FlowRunNode): string {
    const counts = childFlowCounts(node);
    const total = totalOf(counts);
    if (total === 0) return "";
    const noun = total === 1 ? "subflow" : "subflows";
    return `${countText(finalOf(counts))} of ${countText(total)} ${noun}${this.#troubles(counts)}${this.#paceText(node.id)}`;
  }

  #below(node: FlowRunNode, depth: number): Branch[] {
    const singles: Branch[] = [];
    const groups = new Map<string, { nodes: FlowRunNode[]; at: number }>();
    for (const child of node.flow_runs) {
      if (!this.#isGrouped(child, node.flow_runs.length)) {
        singles.push(this.flowRun(child, depth + 1));
        continue;
      }
      const key = this.#stage >= FOLD.allSiblings ? child.flow_name : `${child.flow_name}\n${child.state_type}`;
      const group = groups.get(key);
      if (group) group.nodes.push(child);
      else groups.set(key, { nodes: [child], at: singles.push({ text: "", below: [] }) - 1 });
    }
    for (const { nodes, at } of groups.values()) {
      const only = nodes.length === 1 ? nodes[0] : undefined;
      singles[at] = only ? this.flowRun(only, depth + 1) : this.#flowRunGroup(nodes);
    }
    const omitted = totalOf(node.omitted_flow_runs ?? {});
    const rest =
      omitted === 0
        ? []
        : [
            {
              text: `${countText(finalOf(node.omitted_flow_runs ?? {}))} of ${countText(omitted)} further subflows`,
              below: [],
            },
          ];
    return [...node.tasks.map((task) => this.#taskGroup(node, task)), ...singles, ...rest];
  }

  #isGrouped(child: FlowRunNode, siblings: number): boolean {
    if (siblings < 2) return false;
    if (this.#stage >= FOLD.allSiblings) return true;
    if (this.#stage >= FOLD.waitingSiblings && isWaiting(child.state_type)) return true;
    return this.#stage >= FOLD.completedSiblings && child.state_type === "COMPLETED";
  }

  #flowRunGroup(nodes: readonly FlowRunNode[]): Branch {
    const { style } = this.#options;
    const counts: Partial<Record<StateType, number>> = {};
    for (const node of nodes) addCounts(counts, { [node.state_type]: 1 });
    const runMs = nodes.reduce((sum, node) => sum + node.total_run_time * 1000, 0);
    const name = paint(style, "bold", printable(nodes[0]?.flow_name ?? ""));
    const times = runMs > 0 ? `  ${durationText(runMs)} in all` : "";
    return { text: `${stateGlyph(style, overallState(counts))} ${name}  ${this.#progress(counts)}${times}`, below: [] };
  }

  #taskGroup(node: FlowRunNode, task: TaskGroupNode): Branch {
    const { style } = this.#options;
    const name = printable(task.name);
    const first = instantMs(task.first_start_time);
    const over = finalOf(task.counts) === totalOf(task.counts);
    const last = over ? instantMs(task.last_end_time) : this.#nowMs;
    const span = first === null || last === null ? "" : `  ${durationText(last - first)}`;
    const pace = this.#paceText(taskPaceKey(node.id, task.task_key));
    return {
      text: `${stateGlyph(style, overallState(task.counts))} ${name}  ${this.#progress(task.counts)}${span}${pace}`,
      below: [],
    };
  }

  #progress(counts: StateCounts): string {
    const total = totalOf(counts);
    const final = finalOf(counts);
    const done = final === total ? countText(total) : `${countText(final)} of ${countText(total)}`;
    const running = (counts.RUNNING ?? 0) > 0 && total > 1 ? `, ${countText(counts.RUNNING ?? 0)} running` : "";
    return `${done}${running}${this.#troubles(counts)}`;
  }

  #troubles(counts: StateCounts): string {
    const { style } = this.#options;
    return (["FAILED", "CRASHED", "CANCELLED"] as const)
      .filter((type) => (counts[type] ?? 0) > 0)
      .map((type) => `, ${paintState(style, type, `${countText(counts[type] ?? 0)} ${type.toLowerCase()}`)}`)
      .join("");
  }

  #paceText(key: string): string {
    const pace = this.#options.pace?.(key);
    if (!pace || pace.perSecond === 0) return "";
    const left = pace.leftMs === null ? "" : `, ${durationText(Math.max(1000, pace.leftMs))} left`;
    return `  ${paint(this.#options.style, "dim", `${rateText(pace.perSecond)}${left}`)}`;
  }
}

function isWaiting(type: StateType): boolean {
  return type === "PENDING" || type === "SCHEDULED";
}

/** The state that stands for a group: what needs attention first, then what is still going on. */
function overallState(counts: StateCounts): StateType {
  const order = ["CRASHED", "FAILED", "CANCELLING", "RUNNING", "PAUSED"] as const;
  const present = order.find((type) => (counts[type] ?? 0) > 0);
  if (present) return present;
  const open = totalOf(counts) - finalOf(counts);
  if (open > 0) return (counts.COMPLETED ?? 0) > 0 ? "RUNNING" : "PENDING";
  return (counts.CANCELLED ?? 0) > 0 ? "CANCELLED" : "COMPLETED";
}

function spanText(node: FlowRunNode, nowMs: number): string {
  const start = instantMs(node.start_time);
  if (start === null) return "";
  return durationText((instantMs(node.end_time) ?? nowMs) - start);
}

/** A word on the state where the glyph alone does not say enough: its name when it is not the usual one, the first line of its message. */
function stateNote(style: Style, node: FlowRunNode): string {
  const { state_type: type, state_name: name, state_message: message } = node;
  if (type === "COMPLETED" || type === "RUNNING" || type === "PENDING" || type === "SCHEDULED") {
    return name.toUpperCase() === type ? "" : paintState(style, type, printable(name));
  }
  const why = isFinalStateType(type) && message ? `: ${printable(message.split("\n", 1)[0] ?? "")}` : "";
  return `${paintState(style, type, printable(name))}${why}`;
}

/** The lines of a branch; `indent` stands before everything below it. */
function branchLines(branch: Branch, style: Style, indent = ""): string[] {
  const [fork, last, bar] = style.unicode ? ["├─ ", "└─ ", "│  "] : ["|- ", "`- ", "|  "];
  const lines = [branch.text];
  for (const [index, child] of branch.below.entries()) {
    const isLast = index === branch.below.length - 1;
    const [first, ...further] = branchLines(child, style, `${indent}${isLast ? "   " : bar}`);
    lines.push(`${paint(style, "dim", `${indent}${isLast ? last : fork}`)}${first}`);
    for (const line of further) lines.push(line);
  }
  return lines;
}
