import { paint } from "../client/live/style.ts";
import { padWidth, printable } from "../client/live/text-width.ts";
import { outputStyle, printLines } from "./output.ts";

/** What is known of an object: a label and its text; empty texts are left out. */
export type Facts = readonly (readonly [label: string, text: string])[];

/** Prints the name of an object, and what is known of it, one line each. */
export function printFacts(title: string, facts: Facts): void {
  const known = facts.filter(([, text]) => text !== "");
  const width = Math.max(0, ...known.map(([label]) => label.length)) + 2;
  const lines = known.map(([label, text]) => `  ${padWidth(label, width)}${text}`);
  printLines([paint(outputStyle(), "bold", printable(title)), ...lines]);
}

/** A limit of any number, or none. */
export function limitText(limit: number | null | undefined): string {
  return limit === null || limit === undefined ? "" : String(limit);
}
