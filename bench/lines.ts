import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import type { Line, Sample, Versions } from "./sample.ts";

/** Smallest, middle and largest of some figures. */
interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Gives the spread of figures; null when there are none. */
export function spread(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted.at(0), sorted.at(-1)];
  const [lower, upper] = [sorted.at(Math.floor((sorted.length - 1) / 2)), sorted.at(Math.floor(sorted.length / 2))];
  if (min === undefined || max === undefined || lower === undefined || upper === undefined) return null;
  return { min, median: (lower + upper) / 2, max };
}

/** Four significant digits: more would only be noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function present(values: readonly (number | null | undefined)[]): number[] {
  return values.filter((value) => value !== null && value !== undefined);
}

/** Joins the repeats of each name and n into a line with median, minimum and maximum, in the order in which the names first came. */
export function joinRepeats(samples: readonly Sample[], versions: Versions): Line[] {
  const groups = Map.groupBy(samples, (sample) => `${sample.name} ${sample.n} ${sample.peer ?? ""}`);
  return [...groups.values()].flatMap((group) => {
    const line = joinGroup(group, versions);
    return line === null ? [] : [line];
  });
}

function joinGroup(group: readonly Sample[], versions: Versions): Line | null {
  const first = group[0];
  const seconds = spread(group.map((sample) => sample.seconds));
  if (first === undefined || seconds === null) return null;
  const cpu = spread(present(group.map((sample) => (sample.cpuUs === null ? null : sample.cpuUs / sample.n))));
  const rss = spread(present(group.map((sample) => sample.peakRssMb)));
  const speedup = spread(present(group.map((sample) => sample.speedup)));
  return {
    name: first.name,
    ...(first.peer === undefined ? {} : { peer: first.peer }),
    n: first.n,
    seconds: rounded(seconds.median),
    seconds_min: rounded(seconds.min),
    seconds_max: rounded(seconds.max),
    per_item_us: rounded((seconds.median * 1e6) / first.n),
    cpu_us_per_item: cpu === null ? null : rounded(cpu.median),
    cpu_us_per_item_min: cpu === null ? null : rounded(cpu.min),
    cpu_us_per_item_max: cpu === null ? null : rounded(cpu.max),
    peak_rss_mb: rss === null ? null : rounded(rss.median),
    ...(speedup === null
      ? {}
      : { speedup: rounded(speedup.median), speedup_min: rounded(speedup.min), speedup_max: rounded(speedup.max) }),
    ...ratioFields(group),
    ...latencyFields(group),
    repeats: group.length,
    versions,
  };
}

function ratioFields(group: readonly Sample[]): Partial<Pick<Line, "ratio" | "ratio_min" | "ratio_max">> {
  const ratio = spread(present(group.map((sample) => sample.ratio)));
  if (ratio === null) return {};
  return { ratio: rounded(ratio.median), ratio_min: rounded(ratio.min), ratio_max: rounded(ratio.max) };
}

function latencyFields(group: readonly Sample[]): Partial<Pick<Line, "p50_ms" | "p99_ms" | "server_errors">> {
  const p50 = spread(present(group.map((sample) => sample.p50Ms)));
  const p99 = spread(present(group.map((sample) => sample.p99Ms)));
  if (p50 === null || p99 === null) return {};
  const errors = present(group.map((sample) => sample.serverErrors)).reduce((sum, count) => sum + count, 0);
  return { p50_ms: rounded(p50.median), p99_ms: rounded(p99.median), server_errors: errors };
}

/** Versions of what is measured and where. */
export function currentVersions(): Versions {
  const packageFile = fileURLToPath(import.meta.resolve("sluice/package.json"));
  // Proof of the cast: npm refuses a package without a version.
  const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? "unknown processor";
  return {
    node: process.versions.node,
    sluice: version,
    platform: `${process.platform}-${process.arch}, ${cores.length} x ${model}`,
  };
}

const HEADER = [
  "case",
  "n",
  "seconds [min-max]",
  "us/item",
  "CPU us/item [min-max]",
  "peak MB",
  "speed-up [min-max]",
  "Sluice / peer [min-max]",
  "p50 / p99 ms",
  "5xx",
];
const WIDTHS = [44, 9, 27, 12, 27, 9, 22, 24, 16, 6];

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(WIDTHS[index] ?? 0) : cell.padStart(WIDTHS[index] ?? 0)))
    .join(" ")
    .trimEnd();
}

function withSpread(
  median: number | null | undefined,
  min: number | null | undefined,
  max: number | null | undefined,
): string {
  if (median === null || median === undefined) return "-";
  return min === max ? String(median) : `${median} [${min}-${max}]`;
}

/** Titles of the columns of {@link tableRow}. */
export function tableHeader(): string {
  return row(HEADER);
}

/** A line for people. */
export function tableRow(line: Line): string {
  return row([
    line.peer === undefined ? line.name : `${line.name} (${line.peer})`,
    String(line.n),
    withSpread(line.seconds, line.seconds_min, line.seconds_max),
    String(line.per_item_us),
    withSpread(line.cpu_us_per_item, line.cpu_us_per_item_min, line.cpu_us_per_item_max),
    line.peak_rss_mb === null ? "-" : String(line.peak_rss_mb),
    withSpread(line.speedup, line.speedup_min, line.speedup_max),
    withSpread(line.ratio, line.ratio_min, line.ratio_max),
    line.p50_ms === undefined ? "-" : `${line.p50_ms} / ${line.p99_ms}`,
    line.server_errors === undefined ? "-" : String(line.server_errors),
  ]);
}
