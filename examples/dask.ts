/**
 * The question that Sluice began with: parallel subflows, each mapping a task, all on one Dask cluster, every run tracked.
 *
 * Needs a Python with Dask: `npx sluice dask install` makes one. docs/guides/clusters.md sets it beside the same flow in Python.
 */
import { flow, gather, task } from "sluice";
import { DaskTaskRunner } from "sluice/dask";

const runner = new DaskTaskRunner({ clusterKwargs: { n_workers: 4, threads_per_worker: 1, dashboard_address: ":0" } });

const heavyComputation = task("heavy-computation", (x: number) => x * x);

const subflow = flow("subflow", { taskRunner: runner }, async (n: number) =>
  gather(heavyComputation.map(Array.from({ length: 10 }, (_, i) => i + n))),
);

const master = flow("master", { taskRunner: runner }, async (starts: number[]) => gather(subflow.map(starts)));

const squares = await master([0, 10, 20]);
for (const row of squares) console.log(row.join(" "));

// Output:
// 0 1 4 9 16 25 36 49 64 81
// 100 121 144 169 196 225 256 289 324 361
// 400 441 484 529 576 625 676 729 784 841
