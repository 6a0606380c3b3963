/**
 * From one process to a cluster: the same flow, and one option with four values.
 *
 * Needs a Python with Dask: `npx sluice dask install` makes one. `DASK=tls://scheduler:8786` adds your own cluster.
 */
import { ConcurrentTaskRunner, flow, gather, ProcessPoolTaskRunner, pyTask, task } from "sluice";
import { DaskTaskRunner } from "sluice/dask";

const square = task("square", (n: number) => n * n);
const sumOfSquares = flow("sum-of-squares", async (n: number) =>
  (await gather(square.map(Array.from({ length: n }, (_, i) => i)))).reduce((a, b) => a + b, 0),
);
const master = flow("master", async (sizes: number[]) => gather(sumOfSquares.map(sizes)));

const thisEventLoop = new ConcurrentTaskRunner();
const thisMachine = new ProcessPoolTaskRunner({ maxWorkers: 2 });
const temporaryCluster = new DaskTaskRunner({ clusterKwargs: { n_workers: 2, dashboard_address: ":0" } });
const address = process.env["DASK"];

for (const taskRunner of [thisEventLoop, thisMachine, temporaryCluster]) {
  console.log(await master.with({ taskRunner })([3, 4, 5]));
}
if (address !== undefined) console.log(await master.with({ taskRunner: new DaskTaskRunner({ address }) })([3, 4, 5]));

// A function of Python's, called in the cluster's own Python.
const crc32 = pyTask<[Uint8Array], number>("zlib:crc32");
const checksum = flow("checksum", { taskRunner: temporaryCluster }, async (text: string) =>
  crc32.submit(Buffer.from(text)),
);
console.log(await checksum("sluice"));

// Output:
// [ 5, 14, 30 ]
// [ 5, 14, 30 ]
// [ 5, 14, 30 ]
// 140069170
