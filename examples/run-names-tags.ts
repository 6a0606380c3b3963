/** Names and tags make runs easy to find; the context of a run is there without a parameter. */
import { flow, runContext, task } from "sluice";

const load = task("load", { taskRunName: "load-{table}", tags: ["database"] }, (table: string) => {
  const { runName, flowRunName } = runContext();
  return `${runName} in ${flowRunName} loads ${table}`;
});

const nightly = flow("nightly", { flowRunName: "nightly-{day}", tags: ["etl"] }, async (day: string) => {
  const { runName, tags, parameters } = runContext();
  console.log(day, runName, tags, parameters);
  return load("orders");
});

console.log(await nightly("2025-03-18"));
console.log(await nightly.with({ flowRunName: "again", tags: ["manual"] })("2025-03-19"));

// Output:
// 2025-03-18 nightly-2025-03-18 [ 'etl' ] { day: '2025-03-18' }
// load-orders in nightly-2025-03-18 loads orders
// 2025-03-19 again [ 'manual' ] { day: '2025-03-19' }
// load-orders in again loads orders
