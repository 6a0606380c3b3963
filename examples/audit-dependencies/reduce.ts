/** Adds up what was measured: the files of a package, then all packages. Pure. */
import type { InstalledPackage } from "./find-packages.ts";
import type { FileMeasure } from "./measure-file.ts";

/** A source file as it is handed to a measuring task. */
export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  /** SHA-256 of the content, hexadecimal. */
  readonly hash: string;
}

/** A measured file of a package. */
export interface MeasuredFile extends SourceFile {
  readonly measure: FileMeasure;
}

/** A file that was left out, and why. */
export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}

/** The sums that packages and the whole audit share. */
interface Sums {
  readonly files: number;
  readonly bytes: number;
  readonly lines: number;
  readonly functions: number;
  readonly complexity: number;
  readonly maxNesting: number;
  readonly dynamicLoads: number;
  readonly evals: number;
}

/** The most complex function of a package. */
interface WorstFunction {
  readonly name: string;
  /** Path and line, as editors take them. */
  readonly at: string;
  readonly complexity: number;
}

/** What is known of one package. */
export interface PackageReport extends Omit<InstalledPackage, "directory"> {
  readonly sums: Sums;
  readonly worst: WorstFunction | undefined;
  /** Files that the parser could not read, and files that were not given to it. */
  readonly unread: readonly SkippedFile[];
  /** How many of the measures were taken from the cache. */
  readonly fromCache: number;
  /** Content of each file of 1 byte or more: what duplicates are found by. */
  readonly contents: readonly { readonly path: string; readonly hash: string; readonly bytes: number }[];
}

/** Files of the same content. */
interface Duplicate {
  readonly bytes: number;
  /** All copies. */
  readonly paths: readonly string[];
  /** What all copies but one take. */
  readonly wastedBytes: number;
}

/** Sums over all packages. */
export interface Totals extends Sums {
  readonly packages: number;
  readonly installedBytes: number;
  readonly fromCache: number;
  /** Files whose content another file has, too: a content is measured once, so a first audit finds these in the cache. */
  readonly copies: number;
}

/** The result of the audit. */
export interface AuditReport {
  readonly packages: readonly Omit<PackageReport, "contents">[];
  readonly totals: Totals;
  /** Licences by number of packages, most frequent first. */
  readonly licences: readonly { readonly licence: string; readonly packages: readonly string[] }[];
  /** By wasted bytes, largest first. */
  readonly duplicates: readonly Duplicate[];
}

const NOTHING: Sums = {
  files: 0,
  bytes: 0,
  lines: 0,
  functions: 0,
  complexity: 0,
  maxNesting: 0,
  dynamicLoads: 0,
  evals: 0,
};

function add(a: Sums, b: Sums): Sums {
  return {
    files: a.files + b.files,
    bytes: a.bytes + b.bytes,
    lines: a.lines + b.lines,
    functions: a.functions + b.functions,
    complexity: a.complexity + b.complexity,
    maxNesting: Math.max(a.maxNesting, b.maxNesting),
    dynamicLoads: a.dynamicLoads + b.dynamicLoads,
    evals: a.evals + b.evals,
  };
}

/** Adds up the files of one package. */
export function reducePackage(
  installed: InstalledPackage,
  measured: readonly MeasuredFile[],
  rest: { readonly skipped: readonly SkippedFile[]; readonly fromCache: number },
): PackageReport {
  const { directory: _, ...described } = installed;
  let sums = NOTHING;
  let worst: WorstFunction | undefined;
  const unread = [...rest.skipped];
  for (const { path, measure } of measured) {
    sums = add(sums, { ...measure, files: 1 });
    if (measure.problem !== undefined) unread.push({ path, reason: measure.problem });
    if (measure.worst !== undefined && measure.worst.complexity > (worst?.complexity ?? 0)) {
      const { name, line, complexity } = measure.worst;
      worst = { name, at: `${path}:${line}`, complexity };
    }
  }
  const contents = measured
    .filter(({ measure }) => measure.bytes > 0)
    .map(({ path, hash, measure }) => ({ path, hash, bytes: measure.bytes }));
  return { ...described, sums, worst, unread, fromCache: rest.fromCache, contents };
}

/** Adds up all packages, and finds licences and duplicates. */
export function reduceAudit(packages: readonly PackageReport[]): AuditReport {
  const sums = packages.reduce((sum, each) => add(sum, each.sums), NOTHING);
  const total = (count: (each: PackageReport) => number) => packages.reduce((sum, each) => sum + count(each), 0);
  return {
    packages: packages.map((each) => {
      const { contents: _, ...report } = each;
      return report;
    }),
    totals: {
      ...sums,
      packages: packages.length,
      installedBytes: total((each) => each.installedBytes),
      fromCache: total((each) => each.fromCache),
      copies: sums.files - new Set(packages.flatMap((each) => each.contents.map(({ hash }) => hash))).size,
    },
    licences: countLicences(packages),
    duplicates: findDuplicates(packages.flatMap((each) => each.contents)),
  };
}

function countLicences(packages: readonly PackageReport[]): AuditReport["licences"] {
  return Map.groupBy(packages, (each) => each.licence)
    .entries()
    .map(([licence, those]) => ({ licence, packages: those.map((each) => each.name).toSorted() }))
    .toArray()
    .toSorted((a, b) => b.packages.length - a.packages.length || (a.licence < b.licence ? -1 : 1));
}

function findDuplicates(contents: PackageReport["contents"]): readonly Duplicate[] {
  return Map.groupBy(contents, (each) => each.hash)
    .values()
    .filter((copies) => copies.length > 1)
    .map((copies) => {
      const bytes = copies[0]?.bytes ?? 0;
      return { bytes, paths: copies.map((each) => each.path).toSorted(), wastedBytes: bytes * (copies.length - 1) };
    })
    .toArray()
    .toSorted((a, b) => b.wastedBytes - a.wastedBytes || ((a.paths[0] ?? "") < (b.paths[0] ?? "") ? -1 : 1));
}
