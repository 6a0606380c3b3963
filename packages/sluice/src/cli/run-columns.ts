import { durationText } from "../client/live/duration-text.ts";
import { paintState, type Style } from "../client/live/style.ts";
import { printable } from "../client/live/text-width.ts";
import { isFinalStateType } from "../wire/state-types.ts";
import type { RunRow } from "./api-calls.ts";
import { localTime } from "./output.ts";
import type { Column } from "./table.ts";

/** The state of a run by its name, in the colour of its type. */
export function stateText(style: Style, run: Pick<RunRow, "state_type" | "state_name">): string {
  if (run.state_type === null) return "";
  return paintState(style, run.state_type, printable(run.state_name ?? run.state_type));
}

/** How long a run took, or has been going on; empty before its start. */
export function tookText(run: Pick<RunRow, "state_type" | "start_time" | "end_time">, nowMs: number): string {
  if (run.start_time === null) return "";
  const isOver = run.state_type !== null && isFinalStateType(run.state_type);
  const endMs = run.end_time !== null && isOver ? Date.parse(run.end_time) : nowMs;
  return durationText(endMs - Date.parse(run.start_time));
}

/** State, start and duration: the columns that every table of runs ends with. */
export function stateColumns(style: Style, nowMs: number): readonly Column<RunRow>[] {
  return [
    { title: "STATE", cell: (run) => stateText(style, run) },
    { title: "STARTED", cell: (run) => localTime(run.start_time) },
    { title: "TOOK", cell: (run) => tookText(run, nowMs), align: "right" },
  ];
}
