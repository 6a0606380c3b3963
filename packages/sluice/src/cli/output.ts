import { type Command, Option } from "commander";
import { styleOf, type Style } from "../client/live/style.ts";
import { jsonText } from "./json-text.ts";
import { type Column, tableLines } from "./table.ts";

/** How a command writes its result: text for people, JSON for programs. */
export type OutputFormat = "text" | "json";

/** Adds `-o, --output` to a command. */
export function withOutput(command: Command): Command {
  return command.addOption(
    new Option("-o, --output <format>", "How to write the result").choices(["text", "json"]).default("text"),
  );
}

/** The style of standard output. */
export function outputStyle(): Style {
  return styleOf(process.stdout, process.env);
}

/** Writes lines to standard output. */
export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
}

/** Writes a value as JSON to standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${jsonText(value)}\n`);
}

/** Writes rows as a table to standard output, as wide as the terminal when it is one; `empty` when there are none. */
export function printTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], empty: string): void {
  if (rows.length === 0) {
    process.stderr.write(`${empty}\n`);
    return;
  }
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  printLines(tableLines(columns, rows, { style: outputStyle(), columns: width }));
}

/** A wire timestamp in local time, to the second: `2026-03-01 14:05:09`; empty for null. */
export function localTime(timestamp: string | null | undefined): string {
  if (!timestamp) return "";
  const time = new Date(timestamp);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${[two(time.getHours()), two(time.getMinutes()), two(time.getSeconds())].join(":")}`;
}
