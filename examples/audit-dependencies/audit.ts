/** The flows and tasks of the audit: a subflow for each package, on processes; in it a task for each file. */
import { createTableArtifact, flow, gather, getRunLogger, INPUTS, runContext, task, TASK_SOURCE } from "sluice";
import { findPackages, type InstalledPackage } from "./find-packages.ts";
import { dialectOf, type Dialect } from "./measure-file.ts";
import { measureSource, readSources } from "./read-source.ts";
import { reduceAudit, reducePackage, type AuditReport, type MeasuredFile, type PackageReport } from "./reduce.ts";
import { processes } from "./speed-up.ts";

/** To be raised when measure-file.ts counts differently: no measure of an older version is then taken from the cache. */
const MEASURE_VERSION = 1;
/** What a measure depends on: its key in the cache, together with the task's source. */
interface Content {
  readonly hash: string;
  readonly dialect: Dialect | undefined;
  readonly measureVersion: number;
}

const findInstalled = task("find-packages", findPackages);

/** Cached by content, not by path: equal files of different packages are parsed once. */
const measureFile = task(
  "measure-file",
  { cachePolicy: TASK_SOURCE.and(INPUTS.without("path")), persistResult: true },
  (path: string, _content: Content) => measureSource(path),
);

const addUpPackage = task("add-up-package", reducePackage);
const addUpAll = task("add-up-all", reduceAudit);

/** Audits one package: a task for each source file, then one that adds them up. */
const auditPackage = flow(
  "audit-package",
  { flowRunName: "{installed.name}" },
  async (installed: InstalledPackage): Promise<PackageReport> => {
    const { files, skipped } = readSources(installed.directory);
    const measured: MeasuredFile[] = [];
    let fromCache = 0;
    for (const { path, hash } of files) {
      const content = { hash, dialect: dialectOf(path), measureVersion: MEASURE_VERSION };
      // Parsing keeps this process busy from start to end, so there is nothing to gain from submitting: plain calls, one after another.
      const state = await measureFile.safe(path, content);
      if (state.type !== "COMPLETED") throw state.error;
      if (state.name === "Cached") fromCache += 1;
      measured.push({ path, hash, measure: state.data });
    }
    const report = await addUpPackage(installed, measured, { skipped, fromCache });
    getRunLogger().info(`${files.length} files, ${fromCache} from the cache, complexity ${report.sums.complexity}`);
    return report;
  },
);

/** What the audit brings. */
export interface AuditResult {
  readonly audit: AuditReport;
  readonly packages: readonly InstalledPackage[];
  /** Wall time from finding the packages to the last sum. */
  readonly auditSeconds: number;
  readonly flowRunId: string;
}

/**
 * Audits all installed packages of a folder, the largest first so that the processes end together.
 *
 * @param folder a project with a `node_modules` folder, absolute
 */
export const auditDependencies = flow(
  "audit-dependencies",
  { taskRunner: processes },
  async (folder: string): Promise<AuditResult> => {
    const start = performance.now();
    const packages = await findInstalled(folder);
    const audit = await addUpAll(await gather(auditPackage.map(packages)));
    const auditSeconds = (performance.now() - start) / 1000;
    await createTableArtifact({
      key: "dependencies",
      description: `Installed dependencies of ${folder}`,
      table: audit.packages.map(({ name, version, licence, installedBytes, sums }) => ({
        package: name,
        version,
        licence,
        installed_bytes: installedBytes,
        files: sums.files,
        lines: sums.lines,
        complexity: sums.complexity,
      })),
    });
    return { audit, packages, auditSeconds, flowRunId: runContext().runId };
  },
);
