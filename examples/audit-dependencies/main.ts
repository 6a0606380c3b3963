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
import { auditDependencies, type AuditResult } from "./audit.ts";
import { reportLines } from "./report-lines.ts";

const SAMPLE_SECONDS = 8;
const here = dirname(fileURLToPath(import.meta.url));

/** The part of a written report that the next run reads. */
interface EarlierReport {
  readonly folder: string;
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

  const earlier = await readEarlier(reportFile, folder);
  const result = await auditDependencies(folder, sampleSeconds);
  const uncachedSeconds = result.audit.totals.fromCache === 0 ? result.auditSeconds : earlier?.uncachedSeconds;
  await writeReport(reportFile, { folder, uncachedSeconds }, result);
  const { audit, ...story } = result;
  const lines = reportLines(audit, {
    ...story,
    folder,
    uncachedSeconds,
    reportFile: relative(process.cwd(), reportFile),
  });
  console.log(lines.join("\n"));
}

async function readEarlier(file: string, folder: string): Promise<EarlierReport | undefined> {
  try {
    const report: unknown = JSON.parse(await readFile(file, "utf8"));
    if (typeof report !== "object" || report === null || !("folder" in report) || report.folder !== folder)
      return undefined;
    const uncached = "uncachedSeconds" in report ? report.uncachedSeconds : undefined;
    return { folder, uncachedSeconds: typeof uncached === "number" ? uncached : undefined };
  } catch (error) {
    // The first audit has no earlier report, and one that was cut short is as good as none.
    if (error instanceof SyntaxError || (error instanceof Error && "code" in error && error.code === "ENOENT"))
      return undefined;
    throw error;
  }
}

async function writeReport(file: string, head: EarlierReport, result: AuditResult): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ ...head, ...result }, undefined, 2)}\n`);
}

await main();
