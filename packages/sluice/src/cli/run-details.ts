import { durationText } from "../client/live/duration-text.ts";
import { paint, paintState, type Style } from "../client/live/style.ts";
import { padWidth, printable, printableLine } from "../client/live/text-width.ts";
import type { LogRow, RunRow, StateRow } from "./api-calls.ts";
import { jsonText } from "./json-text.ts";
import { localTime } from "./output.ts";
import { stateText, tookText } from "./run-columns.ts";
import { userFrame } from "./code-place.ts";

// A value longer than this is for `--output json`.
const VALUE_LINES = 12;

/** A heading with its lines, indented, after an empty line; nothing when there are no lines. */
export function section(style: Style, title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", paint(style, "bold", title), ...lines.map((line) => `  ${line}`)];
}

/** The first lines of `inspect`: name, id, state, times. */
export function headLines(
  style: Style,
  run: RunRow,
  facts: readonly (readonly [label: string, text: string])[],
): string[] {
  const row = (label: string, text: string): string => `  ${padWidth(label, 10)}${text}`;
  const message = run.state?.message ? `  ${printable(run.state.message.split("\n", 1)[0] ?? "")}` : "";
  return [
    `${paint(style, "bold", printable(run.name))}  ${stateText(style, run)}`,
    row("id", run.id),
    ...facts.filter(([, text]) => text !== "").map(([label, text]) => row(label, text)),
    row("state", `${stateText(style, run)}${message}`),
    row("started", run.start_time === null ? "not yet" : localTime(run.start_time)),
    row("took", run.start_time === null ? "-" : `${tookText(run, Date.now())}${triesText(run)}`),
    ...(run.tags.length > 0 ? [row("tags", run.tags.map((tag) => printable(tag)).join(", "))] : []),
  ];
}

function triesText(run: RunRow): string {
  return run.run_count > 1
    ? ` in ${String(run.run_count)} tries (${durationText(run.total_run_time * 1000)} running)`
    : "";
}

/** One line a state: when, how long after the first, name, message. */
export function stateLines(style: Style, states: readonly StateRow[]): string[] {
  const firstMs = Date.parse(states[0]?.timestamp ?? "");
  return states.map((state) => {
    const after = durationText(Date.parse(state.timestamp) - firstMs).padStart(8);
    const message = state.message ? `  ${printable(state.message.split("\n", 1)[0] ?? "")}` : "";
    const name = paintState(style, state.type, padWidth(printable(state.name ?? state.type), 13));
    return `${localTime(state.timestamp)} ${paint(style, "dim", `+${after.trimStart()}`.padStart(9))}  ${name}${message}`.trimEnd();
  });
}

/** A value as indented JSON, cut after some lines. */
export function valueLines(value: unknown): string[] {
  const lines = (typeof value === "string" ? JSON.stringify(value) : jsonText(value))
    .split("\n")
    .map((line) => printableLine(line));
  if (lines.length <= VALUE_LINES) return lines;
  return [
    ...lines.slice(0, VALUE_LINES - 1),
    `… ${String(lines.length - VALUE_LINES + 1)} more lines; --output json has them all`,
  ];
}

/**
 * The error of a failed run as its log tells it: the message, and the first place of the user's own code in the stack.
 *
 * @param logs lines of this run only; the one with the stack is the last of level error or above
 */
export function errorLines(logs: readonly LogRow[]): string[] {
  const story = logs.findLast((row) => row.level >= 40 && /\n\s+at /.test(row.message))?.message;
  if (story === undefined) return [];
  const lines = story.split("\n");
  const firstFrame = lines.findIndex((line) => /^\s+at /.test(line));
  const message = lines.slice(1, firstFrame).map((line) => printableLine(line));
  const place = userFrame(lines.slice(firstFrame).join("\n"));
  return place === undefined ? message : [...message, place];
}
