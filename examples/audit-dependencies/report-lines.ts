/** Puts the audit's result into lines for a terminal. Pure. */
import { relative } from "node:path";
import type { AuditReport, Totals } from "./reduce.ts";
import type { Side, SpeedUp } from "./speed-up.ts";

const TOP = 10;
const SHOWN_DUPLICATES = 5;
const SHOWN_LICENCE_PACKAGES = 3;

/** What the lines tell beside the report itself. */
export interface AuditStory {
  readonly folder: string;
  /** Wall time of finding, measuring and adding up, without the speed-up sample. */
  readonly auditSeconds: number;
  /** Wall time of the last audit of the folder that measured all files itself; undefined when there is no such report. */
  readonly uncachedSeconds: number | undefined;
  readonly speedUp: SpeedUp | undefined;
  readonly flowRunId: string;
  readonly reportFile: string;
}

/** The whole report, a line an element. */
export function reportLines(audit: AuditReport, story: AuditStory): readonly string[] {
  const { totals } = audit;
  const unread = audit.packages.flatMap((each) => each.unread);
  return [
    "",
    heading("Dependencies"),
    `${count(totals.packages, "package")}, ${megabytes(totals.installedBytes)} installed; ` +
      `${count(totals.files, "source file")}, ${megabytes(totals.bytes)}, ${count(totals.lines, "line")}, ` +
      `${count(totals.functions, "function")}, ${count(totals.dynamicLoads, "dynamic load")}, ${count(totals.evals, "eval")}.`,
    ...(unread.length > 0 ? [`${count(unread.length, "file")} not read: ${reasons(unread)}.`] : []),
    "",
    heading(`Ten largest packages`),
    ...table(
      ["package", "installed", "files", "sources", "licence"],
      audit.packages
        .toSorted((a, b) => b.installedBytes - a.installedBytes)
        .slice(0, TOP)
        .map((each) => [
          `${each.name} ${each.version}`,
          megabytes(each.installedBytes),
          grouped(each.fileCount),
          grouped(each.sums.files),
          each.licence,
        ]),
    ),
    "",
    heading(`Ten most complex packages`),
    ...table(
      ["package", "complexity", "functions", "nesting", "most complex function"],
      audit.packages
        .toSorted((a, b) => b.sums.complexity - a.sums.complexity)
        .slice(0, TOP)
        .map((each) => [
          `${each.name} ${each.version}`,
          grouped(each.sums.complexity),
          grouped(each.sums.functions),
          String(each.sums.maxNesting),
          each.worst === undefined
            ? ""
            : `${each.worst.name} ${each.worst.complexity}  ${inFolder(story.folder, each.worst.at)}`,
        ]),
    ),
    "",
    heading("Duplicates by content"),
    ...duplicateLines(audit, story.folder),
    "",
    heading("Licences"),
    ...table(
      ["licence", "packages", ""],
      audit.licences.map(({ licence, packages }) => [licence, String(packages.length), some(packages)]),
    ),
    "",
    heading("Speed-up over one process"),
    ...speedUpLines(story.speedUp),
    "",
    heading("Cache"),
    cacheLine(totals, story),
    "",
    heading("Where to look next"),
    `npx sluice flow-run inspect ${story.flowRunId}`,
    `npx sluice flow-run logs ${story.flowRunId}`,
    `npx sluice flow-run ls --flow audit-package --limit 10`,
    `report: ${story.reportFile}`,
  ];
}

function duplicateLines(audit: AuditReport, folder: string): readonly string[] {
  const wasted = audit.duplicates.reduce((sum, each) => sum + each.wastedBytes, 0);
  const shown = audit.duplicates.slice(0, SHOWN_DUPLICATES);
  if (shown.length === 0) return ["None: no file has the content of another."];
  const first = `${count(audit.duplicates.length, "content")} in more than one file, ${megabytes(wasted)} could be spared.`;
  const rows = shown.map((each) => {
    const [sample = ""] = each.paths;
    return [`${each.paths.length} x ${kilobytes(each.bytes)}`, inFolder(folder, sample)];
  });
  return [first, ...table(["copies", "one of them"], rows)];
}

function speedUpLines(speedUp: SpeedUp | undefined): readonly string[] {
  if (speedUp === undefined) return ["not measured: no sources to take a sample from"];
  const repeated = speedUp.repeated > 0 ? `, ${speedUp.repeated} of them a second time or more` : "";
  return [
    `Sample: ${grouped(speedUp.files)} files, ${megabytes(speedUp.bytes)}, in ${count(speedUp.slices, "subflow")}${repeated}; nothing cached, all processes warm.`,
    ...table(
      ["", "wall", "cores used"],
      [
        ["one process, one after another", ...sideCells(speedUp.sequential)],
        [`${speedUp.workers} processes`, ...sideCells(speedUp.parallel)],
        ["speed-up", `${speedUp.ratio.toFixed(2)} x`],
      ],
    ),
  ];
}

function sideCells(side: Side): readonly string[] {
  return [seconds(side.wallSeconds), side.coresUsed.toFixed(2)];
}

function cacheLine(totals: Totals, story: AuditStory): string {
  const took = `the audit took ${seconds(story.auditSeconds)}`;
  if (totals.fromCache <= totals.copies) {
    return `No measure came from an earlier run; ${took}. Run it again: unchanged files come from the cache.`;
  }
  const before =
    story.uncachedSeconds === undefined ? "" : ` (${seconds(story.uncachedSeconds)} when all files were measured)`;
  return `${grouped(totals.fromCache)} of ${count(totals.files, "file")} came from the cache; ${took}${before}.`;
}

function reasons(unread: readonly { readonly reason: string }[]): string {
  const kinds = Map.groupBy(unread, ({ reason }) =>
    isOwnReason(reason) ? reason : "with a syntax that the parser does not know",
  );
  return [...kinds].map(([kind, those]) => `${those.length} ${kind}`).join(", ");
}

function isOwnReason(reason: string): boolean {
  return reason === "binary" || reason.startsWith("larger than");
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_LICENCE_PACKAGES).join(", ");
  return names.length > SHOWN_LICENCE_PACKAGES ? `${shown}, …` : shown;
}

function inFolder(folder: string, path: string): string {
  const inside = relative(folder, path);
  return inside.startsWith("..") ? path : inside;
}

function heading(text: string): string {
  return `── ${text} ${"─".repeat(Math.max(0, 72 - text.length))}`;
}

/** Aligned columns: the first and the last to the left, the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const isText = column === 0 || (column === row.length - 1 && !/^[\d.,]+( [a-zA-Z]+)?$/.test(cell));
        return isText ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
      })
      .join("  ")
      .trimEnd();
  return [head, ...rows].map(line);
}

function count(n: number, noun: string): string {
  return `${grouped(n)} ${noun}${n === 1 ? "" : "s"}`;
}

function grouped(n: number): string {
  return n.toLocaleString("en-US");
}

function megabytes(bytes: number): string {
  return bytes < 100_000 ? kilobytes(bytes) : `${(bytes / 1e6).toFixed(1)} MB`;
}

function kilobytes(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1e3).toFixed(1)} kB`;
}

function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} s`;
}
