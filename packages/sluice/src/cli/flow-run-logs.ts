import { setTimeout as delay } from "node:timers/promises";
import { paint, type Style, type Tint } from "../client/live/style.ts";
import { printable, printableLine } from "../client/live/text-width.ts";
import type { RunTree } from "../wire/run-tree.ts";
import { isFinalStateType } from "../wire/state-types.ts";
import { type ApiCalls, type LogRow, PAGE_LIMIT } from "./api-calls.ts";
import { UsageError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { findFlowRun } from "./find-run.ts";
import { flowRunsOf } from "./flow-run.ts";
import { localTime, type OutputFormat, outputStyle, printJson, printLines } from "./output.ts";

// A follower is up to date within half a second, at two small requests a second.
const FOLLOW_EVERY_MS = 500;
// A log is stored up to this long after the state that ended its run.
const SETTLE_MS = 300;
// As many ids as one filter is given.
const IDS_PER_FILTER = 100;

const LEVELS: Readonly<Record<string, { readonly number: number; readonly tint: Tint }>> = {
  debug: { number: 10, tint: "dim" },
  info: { number: 20, tint: "cyan" },
  warning: { number: 30, tint: "yellow" },
  error: { number: 40, tint: "red" },
  critical: { number: 50, tint: "red" },
};

/** Options of `flow-run logs`. */
export interface LogsOptions {
  readonly follow?: boolean;
  readonly level: string;
  readonly output: OutputFormat;
}

/** Prints the log of a flow run with those of its subflows and tasks, in order of time; with `follow` until the run is over. */
export async function printLogs(id: string, options: LogsOptions): Promise<void> {
  const lowest = LEVELS[options.level.toLowerCase()]?.number;
  if (lowest === undefined)
    throw new UsageError(`--level takes one of ${Object.keys(LEVELS).join(", ")}, got "${options.level}".`);
  if (options.follow === true && options.output === "json")
    throw new UsageError("--follow prints text; leave out --output json.");
  await withApi(async (api) => {
    const run = await findFlowRun(api, id);
    const reader = new LogReader(api, run.id, lowest);
    if (options.output === "json") return printJson(await reader.next());
    const style = outputStyle();
    for (;;) {
      // Whether the run is over is asked before its last lines are read, so that none is missed.
      // oxlint-disable no-await-in-loop
      const isOver = options.follow !== true || (await isFinal(api, run.id));
      if (isOver && options.follow === true) await delay(SETTLE_MS);
      printLines((await reader.next()).map((row) => logLine(row, reader.runNames, style)));
      if (isOver) break;
      await delay(FOLLOW_EVERY_MS);
      // oxlint-enable no-await-in-loop
    }
  });
}

async function isFinal(api: ApiCalls, flowRunId: string): Promise<boolean> {
  const run = await api.readFlowRun(flowRunId);
  return run === undefined || (run.state_type !== null && isFinalStateType(run.state_type));
}

/** Reads what is new in the log of a flow run and everything below it. */
class LogReader {
  readonly runNames = new Map<string, string>();
  readonly #api: ApiCalls;
  readonly #flowRunId: string;
  readonly #lowest: number;
  readonly #seen = new Set<string>();
  #after: string | null = null;

  constructor(api: ApiCalls, flowRunId: string, lowest: number) {
    this.#api = api;
    this.#flowRunId = flowRunId;
    this.#lowest = lowest;
  }

  /** The lines since the last call, oldest first. */
  async next(): Promise<readonly LogRow[]> {
    const ids = await this.#flowRunIds();
    const rows: LogRow[] = [];
    for (let from = 0; from < ids.length; from += IDS_PER_FILTER) {
      // Pages one after the other: a long log does not come as a hundred requests at once.
      // oxlint-disable-next-line no-await-in-loop
      rows.push(...(await this.#page(ids.slice(from, from + IDS_PER_FILTER))));
    }
    const fresh = rows.filter((row) => !this.#seen.has(row.id));
    for (const row of fresh) this.#seen.add(row.id);
    // Lines of other processes come late: the next call looks back a little, and `seen` drops what was there.
    const last = fresh.at(-1);
    if (last) this.#after = new Date(Date.parse(last.timestamp) - 10_000).toISOString();
    return fresh.toSorted((a, b) => a.timestamp.localeCompare(b.timestamp));
  }

  async #page(ids: readonly string[]): Promise<LogRow[]> {
    const rows: LogRow[] = [];
    for (;;) {
      const logs = {
        flow_run_id: { any_: ids },
        level: { ge_: this.#lowest },
        ...(this.#after === null ? {} : { timestamp: { after_: this.#after } }),
      };
      // Each page starts where the one before it ended.
      // oxlint-disable-next-line no-await-in-loop
      const page = await this.#api.filterLogs({ logs, sort: "TIMESTAMP_ASC", limit: PAGE_LIMIT, offset: rows.length });
      rows.push(...page);
      if (page.length < PAGE_LIMIT) return rows;
    }
  }

  async #flowRunIds(): Promise<readonly string[]> {
    const tree: RunTree | undefined = await this.#api.readTree(this.#flowRunId);
    if (!tree) return [this.#flowRunId];
    const nodes = flowRunsOf(tree);
    for (const node of nodes) this.runNames.set(node.id, node.name);
    return nodes.map((node) => node.id);
  }
}

function logLine(row: LogRow, names: ReadonlyMap<string, string>, style: Style): string {
  const [level, look] = Object.entries(LEVELS).findLast(([, { number }]) => number <= row.level) ?? [
    "debug",
    { tint: "dim" as const },
  ];
  const name = names.get(row.flow_run_id ?? "") ?? "";
  const ms = row.timestamp.slice(19, 23).padEnd(4, "0");
  const time = paint(style, "dim", `${localTime(row.timestamp)}${ms}`);
  // A message may have several lines (a stack); control characters within them stay out of the terminal.
  const message = row.message
    .split("\n")
    .map((line) => printableLine(line).trimEnd())
    .join("\n    ");
  return `${time} ${paint(style, look.tint, level.toUpperCase().padEnd(8))} ${printable(name)}  ${message}`;
}
