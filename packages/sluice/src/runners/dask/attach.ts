import type { RunnerDescription } from "../../wire/run-spec.ts";
import { findPython } from "../cluster/python-interpreter.ts";
import { describe, requireLink, runnersRuntime, type LivePool } from "../runtime.ts";
import { connectFromNode, connectToDask, readMaterial } from "./dask-connection.ts";
import { ClusterPool, dashboardNotice, type OpenCluster } from "../cluster/cluster-pool.ts";
import { openDask } from "./open-dask.ts";
import type { DaskOptions } from "./dask-options.ts";
import { startCluster } from "./temporary-cluster.ts";

/** Gives the cluster behind a runner: the live one of this thread, or of a worker's parents, else one that is opened at the first run. */
export function daskFor(description: RunnerDescription, options: DaskOptions): Pick<LivePool, "carry"> {
  const { pools, uplink } = runnersRuntime();
  const known = pools.get(describe(description)) ?? uplink?.attach(description);
  if (known !== undefined) return known;
  return register(
    new ClusterPool({
      description,
      open: (onLost) => openCluster(description, options, onLost),
      idleSeconds: options.idleSeconds,
    }),
  );
}

/** The cluster that this process itself runs on. */
export function attachToDask(description: RunnerDescription, connection: Readonly<Record<string, unknown>>): LivePool {
  const known = runnersRuntime().pools.get(describe(description));
  if (known !== undefined) return known;
  const open = async (onLost: (reason: string) => void): Promise<OpenCluster> => {
    const opened = await connectFromNode(connection, onLost);
    return openDask(opened);
  };
  return register(new ClusterPool({ description, open, idleSeconds: 30 }));
}

function register(cluster: ClusterPool): ClusterPool {
  runnersRuntime().pools.set(describe(cluster.description), cluster);
  return cluster;
}

async function openCluster(
  description: RunnerDescription,
  options: DaskOptions,
  onLost: (reason: string) => void,
): Promise<OpenCluster> {
  const link = requireLink();
  const parts = { description, options, link, onLost };
  const { address, security } = options;
  if (address !== null) {
    const tls = security === null ? null : readMaterial(security);
    const connection = await connectToDask({ address, tls }, parts);
    return openDask(connection);
  }
  const python = findPython("dask", options.python, link.pythonFolder);
  const cluster = await startCluster(python, options);
  try {
    const { facts } = cluster;
    const tls = facts.security === null ? null : readMaterial(facts.security);
    const connection = await connectToDask({ address: facts.address, tls }, parts);
    const notices = facts.dashboard === null ? [] : [dashboardNotice("Dask", facts.dashboard)];
    return openDask(connection, { notices, close: () => cluster.close() });
  } catch (error) {
    await cluster.close();
    throw error;
  }
}
