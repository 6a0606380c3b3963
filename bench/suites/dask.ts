import { clusterBench } from "../cluster/measure-cluster.ts";
import { clusterPython } from "../cluster/python-environment.ts";
import { withDask } from "../peers/dask/dask-cluster.ts";

/** One Dask cluster, used by Sluice, by Dask's own client, and by Prefect. */
export const dask = clusterBench({
  name: "dask",
  about: "tasks and subflows on a Dask cluster of 2 workers: ours, Dask's own client, Prefect's",
  python: () => clusterPython("prefect-dask", { DASK_LOGGING__DISTRIBUTED: "error" }),
  withCluster: withDask,
  taskRunner: async (address) => {
    const { DaskTaskRunner } = await import("sluice/dask");
    return new DaskTaskRunner({ address });
  },
});
