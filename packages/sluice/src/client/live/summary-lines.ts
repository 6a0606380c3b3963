import type { StateCounts } from "../../wire/run-tree.ts";
import { STATE_TYPES } from "../../wire/state-types.ts";
import { countText, durationText } from "./duration-text.ts";
import { totalOf } from "./run-counts.ts";
import type { PathLevel, PathStep } from "./critical-path.ts";
import type { RunSummary, SlowRun } from "./run-summary.ts";
import { paint, paintState, stateGlyph, type Style } from "./style.ts";
import { padWidth, printable } from "./text-width.ts";

const LABEL_COLUMNS = 15;
// More steps in a row than fit a line are not read.
const STEPS = 6;

/** Writes a summary for people, one line a fact, ending with the command that shows more. */
export function summaryLines(summary: RunSummary, style: Style): string[] {
  const { stateType, stateName, stateMessage } = summary;
  const why = stateType !== "COMPLETED" && stateMessage ? `: ${printable(stateMessage.split("\n", 1)[0] ?? "")}` : "";
  const title = `${paint(style, "bold", printable(summary.flowName))} ${printable(summary.runName)}`;
  const lines = [`${stateGlyph(style, stateType)} ${title}  ${paintState(style, stateType, stateName)}${why}`];
  const add = (label: string, text: string): void => void lines.push(`  ${padWidth(label, LABEL_COLUMNS)}${text}`);
  add("wall time", durationText(summary.wallMs));
  if (summary.speedup !== null) {
    add("run times", `${durationText(summary.childRunMs)}, summed over the runs directly below`);
    add("speed-up", `${paint(style, "bold", `${summary.speedup.toFixed(2)}x`)}  (run times / wall time)`);
  }
  if (totalOf(summary.flowRunCounts) > 0) add("subflow runs", countsText(summary.flowRunCounts, style));
  if (totalOf(summary.taskRunCounts) > 0) add("task runs", countsText(summary.taskRunCounts, style));
  if (summary.omittedFlowRuns > 0)
    add("left out", `${countText(summary.omittedFlowRuns)} of the subflow runs: too many for one summary`);
  const levels = summary.criticalPath.filter(({ chain }) => chain.length > 0);
  for (const [index, level] of levels.entries()) add(index === 0 ? "critical path" : "", levelText(level, style));
  for (const [index, run] of summary.slowest.entries()) add(index === 0 ? "slowest" : "", slowText(run));
  add("look next", `npx sluice flow-run inspect ${summary.flowRunId}`);
  return lines;
}

function countsText(counts: StateCounts, style: Style): string {
  const parts = STATE_TYPES.filter((type) => (counts[type] ?? 0) > 0);
  return parts
    .map((type) => paintState(style, type, `${countText(counts[type] ?? 0)} ${type.toLowerCase()}`))
    .join(", ");
}

function levelText({ flowName, runName, durationMs, chain }: PathLevel, style: Style): string {
  const steps =
    chain.length <= STEPS
      ? chain.map(stepText)
      : [...chain.slice(0, STEPS - 1).map(stepText), style.unicode ? "…" : "..."];
  const arrow = style.unicode ? " → " : " -> ";
  return `${durationText(durationMs)}  ${nameText({ name: flowName, runName })}: ${steps.join(arrow)}`;
}

function stepText(step: PathStep): string {
  const many = step.count > 1 ? `${countText(step.count)} x ` : "";
  return `${many}${nameText(step)} ${durationText(step.durationMs)}`;
}

function slowText(run: SlowRun): string {
  const each = run.count > 1 ? ` on average over ${countText(run.count)} runs` : "";
  return `${durationText(run.durationMs)}  ${nameText(run)}${each}`;
}

function nameText({ name, runName }: Pick<PathStep, "name" | "runName">): string {
  return runName === null ? printable(name) : `${printable(name)} ${printable(runName)}`;
}
