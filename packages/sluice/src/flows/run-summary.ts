import { treeSource } from "../client/live/read-tree.ts";
import { type RunSummary, summarise } from "../client/live/run-summary.ts";
import { styleOf } from "../client/live/style.ts";
import { summaryLines } from "../client/live/summary-lines.ts";
import { SluiceError } from "../wire/errors.ts";
import { openSession } from "./session.ts";

export type { RunSummary } from "../client/live/run-summary.ts";

/**
 * Sums up a flow run and everything below it: wall time, parallel speed-up, critical path, counts by state, slowest runs.
 *
 * A run that is not over is measured up to now.
 *
 * @param flowRunId as `runContext().flowRunId` or a future's `id` gives it
 * @throws SluiceError `SLUICE_API_REFUSED` when the store does not know the run
 */
export async function runSummary(flowRunId: string): Promise<RunSummary> {
  const tree = await treeSource(openSession().transport).readTree(flowRunId);
  if (!tree)
    throw new SluiceError(
      "SLUICE_API_REFUSED",
      `There is no flow run ${flowRunId} in this home; expected the id of one.`,
    );
  return summarise(tree);
}

/**
 * Writes a summary as the lines that `sluice run` ends with.
 *
 * @param stream decides about colour; `process.stdout` by default
 */
export function formatRunSummary(summary: RunSummary, stream: { readonly isTTY?: boolean } = process.stdout): string {
  return summaryLines(summary, styleOf(stream, process.env)).join("\n");
}
