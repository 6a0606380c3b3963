import { clusterBench } from "../cluster/measure-cluster.ts";
import { clusterPython } from "../cluster/python-environment.ts";
import { withRay } from "../peers/ray/ray-cluster.ts";

/** Of the cluster and of all its clients. A token that lies in the user's home would be asked for by some and sent by none. */
const SETTINGS = { RAY_AUTH_MODE: "disabled", RAY_USAGE_STATS_ENABLED: "0" };

/** One Ray cluster, used by Sluice, by Ray's own client, and by Prefect. */
export const ray = clusterBench({
  name: "ray",
  about: "tasks and subflows on a Ray cluster of 2 CPUs: ours, Ray's own client, Prefect's",
  python: () => clusterPython("prefect-ray", SETTINGS),
  withCluster: withRay,
  taskRunner: async (address, { python }) => {
    const { RayTaskRunner } = await import("sluice/ray");
    return new RayTaskRunner({ address, python, env: SETTINGS });
  },
});
