import { EXIT } from "./command-error.ts";

// EPIPE of a pipe, EIO of a terminal that was closed.
const GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "EIO"]);
let isOutlived = false;

/**
 * Whoever reads our output may have had enough (`sluice flow-run ls | head`): then the command is over, with success. Whoever reads our errors may go
 * without ending anything.
 */
export function watchReaders(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!GONE.has(error.code)) throw error;
    if (!isOutlived) process.exit(EXIT.success);
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (!GONE.has(error.code)) throw error;
  });
}

/** What this command does is worth doing to its end, whether or not anybody reads of it. */
export function outliveReaders(): void {
  isOutlived = true;
}
