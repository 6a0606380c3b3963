/** The closing line of a test run, and the vitest reporter that counts for it. */
import { writeFileSync } from "node:fs";

/** Returns `N passed, N failed`, with `, N skipped` when there are any. */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/**
 * Counts the tests of a run. A file that fails to load, and an error outside any test, is one failed test.
 *
 * Writes the count as JSON to the file named by `TEST_TALLY_FILE`; without it prints the closing line.
 */
export default class ClosingLineReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      const before = tally.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        tally[state === "passed" || state === "failed" ? state : "skipped"] += 1;
      }
      if (module.state() === "failed" && tally.failed === before) tally.failed += 1;
    }
    const file = process.env.TEST_TALLY_FILE;
    if (file) writeFileSync(file, JSON.stringify(tally));
    else console.log(closingLine(tally));
  }
}
