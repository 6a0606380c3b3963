/**
 * Entry of the fresh process that measures one case once: `node case-process.ts BENCH CASE SCALE RESULT_FILE`.
 *
 * The samples go to a file, not to standard output or an IPC channel: flows may print, and a channel would make the process look like
 * somebody's worker.
 */
import { writeFileSync } from "node:fs";
import { loadBench } from "./benches.ts";

const [benchName, caseId, scale, resultFile] = process.argv.slice(2);
if (
  benchName === undefined ||
  caseId === undefined ||
  resultFile === undefined ||
  (scale !== "full" && scale !== "small")
) {
  throw new Error("Expected the arguments BENCH CASE full|small RESULT_FILE. This file is started by bench/run.ts.");
}
const bench = await loadBench(benchName);
const found = bench.cases(scale).find((candidate) => candidate.id === caseId);
if (found === undefined) throw new Error(`Bench "${benchName}" has no case "${caseId}".`);

writeFileSync(resultFile, JSON.stringify(await found.measure()));
// Warm workers and the store's thread would keep the process up until they are idle; the measurement is over.
process.exit(0);
