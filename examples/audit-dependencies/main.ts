/**
 * Audits the installed dependencies of a project.
 *
 *     node examples/audit-dependencies/main.ts [folder] [--sample-seconds N] [--output FOLDER]
 *
 * `folder` is this repository by default. The sample by which the speed-up is measured takes at least 8 s on one process; `--sample-seconds 0`
 * leaves it out. The whole report goes to `report.json` in the output folder, beside this file by default.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatRunSummary, runSummary } from "sluice";
import { auditDependencies } from "./audit.ts";
import { reportLines } from "./report-lines.ts";
import { measureSpeedUp } from "./speed-up.ts";

const SAMPLE_SECONDS = 8;
// Also where standard error is no terminal: a newcomer should see what happens. Plain lines there, a tree on a terminal.
process.env["SLUICE_PROGRESS"] ??= process.stderr.isTTY ? "tree" : "plain";
const here = dirname(fileURLToPath(import.meta.url));

/** The part of a written report that the next run reads. */
interface EarlierReport {
  /** Wall time of the audit when no file came from the cache. */
  readonly uncachedSeconds: number | undefined;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { "sample-seconds": { type: "string" }, output: { type: "string" } },
  });
  const sampleSeconds = Number(values["sample-seconds"] ?? SAMPLE_SECONDS);
  if (!(sampleSeconds >= 0))
    throw new RangeError(`expected --sample-seconds to be 0 or more, got ${values["sample-seconds"]}`);
  const folder = resolve(positionals[0] ?? join(here, "../.."));
  const reportFile = join(resolve(values.output ?? join(here, "output")), "report.json");

  console.log(
    `Auditing the dependencies of ${folder}: a subflow for each package, on processes; a task for each file.`,
  );
  const earlier = await readEarlier(reportFile, folder);
  const { audit, packages, auditSeconds, flowRunId } = await auditDependencies(folder);
  if (sampleSeconds > 0)
    console.log(`Measuring the speed-up by ${sampleSeconds} s of work on one process, then on all.`);
  const speedUp = sampleSeconds > 0 ? await measureSpeedUp(packages, sampleSeconds) : undefined;

  const isFirst = audit.totals.fromCache <= audit.totals.copies;
  const uncachedSeconds = isFirst ? auditSeconds : earlier?.uncachedSeconds;
  const story = { folder, auditSeconds, uncachedSeconds, speedUp, flowRunId };
  await mkdir(dirname(reportFile), { recursive: true });
  await writeFile(reportFile, `${JSON.stringify({ ...story, ...audit }, undefined, 2)}\n`);
  console.log(formatRunSummary(await runSummary(flowRunId)));
  console.log(reportLines(audit, { ...story, reportFile: relative(process.cwd(), reportFile) }).join("\n"));
}

async function readEarlier(file: string, folder: string): Promise<EarlierReport | undefined> {
  try {
    const report: unknown = JSON.parse(await readFile(file, "utf8"));
    if (typeof report !== "object" || report === null || !("folder" in report) || report.folder !== folder)
      return undefined;
    const uncached = "uncachedSeconds" in report ? report.uncachedSeconds : undefined;
    return { uncachedSeconds: typeof uncached === "number" ? uncached : undefined };
  } catch (error) {
    // The first audit has no earlier report, and one that was cut short is as good as none.
    if (error instanceof SyntaxError || (error instanceof Error && "code" in error && error.code === "ENOENT"))
      return undefined;
    throw error;
  }
}

try {
  await main();
} catch (error) {
  // Runs have logged their errors with stacks.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
