/**
 * `getRunLogger()` writes to the log of the run it is called in; with `logPrints` so does `console`.
 *
 * Logs are read with `npx sluice flow-run logs ID`. Warnings and errors also appear on this process's standard error.
 */
import { flow, getRunLogger, task } from "sluice";

const load = task("load", { logPrints: true }, (table: string) => {
  getRunLogger().info("loading %s", table);
  console.log(`printed and logged: ${table}`);
  return table.length;
});

const nightly = flow("nightly", { flowRunName: "tonight" }, async () => {
  const logger = getRunLogger();
  logger.debug("not kept: SLUICE_LOGGING_LEVEL is INFO");
  const rows = await load("orders");
  logger.warning(`only ${rows} rows`, { expected: 100 });
});

await nightly();

// Output:
// printed and logged: orders
