/** Reads source files, leaving out what no parser should be given. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listFiles } from "./find-packages.ts";
import { dialectOf, measureText, type FileMeasure } from "./measure-file.ts";
import type { SkippedFile, SourceFile } from "./reduce.ts";

/** Larger files are bundles or tables; their trees take gigabytes. */
const MAX_FILE_BYTES = 2_000_000;
/** A text has no zero byte in its first part; an MPEG stream that is called `.ts` has. */
const BINARY_PROBE_BYTES = 8_000;

/**
 * Lists the source files of a package with the hash of their contents.
 *
 * @param directory absolute
 */
export function readSources(directory: string): {
  readonly files: readonly SourceFile[];
  readonly skipped: readonly SkippedFile[];
} {
  const files: SourceFile[] = [];
  const skipped: SkippedFile[] = [];
  for (const file of listFiles(directory)) {
    if (dialectOf(file.path) === undefined) continue;
    const path = join(directory, file.path);
    if (file.bytes > MAX_FILE_BYTES) {
      skipped.push({ path, reason: `larger than ${MAX_FILE_BYTES / 1e6} MB` });
      continue;
    }
    const content = readFileSync(path);
    if (content.subarray(0, BINARY_PROBE_BYTES).includes(0)) skipped.push({ path, reason: "binary" });
    else files.push({ path, hash: hash("sha256", content) });
  }
  return { files, skipped };
}

/** Reads, parses and measures a file: the body of the measuring tasks. */
export function measureSource(path: string): FileMeasure {
  return measureText(readFileSync(path, "utf8"), dialectOf(path) ?? "js");
}
