/** Subflows in the order in which they end, not in which they were submitted. */
import { setTimeout as sleep } from "node:timers/promises";
import { asCompleted, flow } from "sluice";

const fetchRegion = flow("fetch-region", async (region: string, delayMs: number) => {
  await sleep(delayMs);
  return `${region} fetched`;
});

const master = flow("master", async () => {
  const runs = [fetchRegion.submit("slow", 600), fetchRegion.submit("fast", 50), fetchRegion.submit("middle", 300)];
  for await (const run of asCompleted(runs)) console.log(await run, run.state.name);
});

await master();

// Output:
// fast fetched Completed
// middle fetched Completed
// slow fetched Completed
