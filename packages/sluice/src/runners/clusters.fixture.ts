import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DaskTaskRunner, type DaskTaskRunnerOptions } from "./dask/index.ts";
import { RayTaskRunner, type RayTaskRunnerOptions } from "./ray/index.ts";

/** The Python with Dask that `npm test` makes. */
export const daskPython = fileURLToPath(new URL("../../../../.venv/dask/bin/python", import.meta.url));

export const hasDaskPython = existsSync(daskPython);

/** The Python with Ray that `npm run test:ray` makes. */
export const rayPython = fileURLToPath(new URL("../../../../.venv/ray/bin/python", import.meta.url));
export const hasRayPython = existsSync(rayPython);

/** A runner on a Ray cluster of this machine with this many CPUs. */
export function localRay(cpus: number, options: RayTaskRunnerOptions = {}): RayTaskRunner {
  return new RayTaskRunner({ python: rayPython, initKwargs: { num_cpus: cpus }, ...options });
}

/** A runner on a temporary cluster of this many workers, of one thread each. */
export function localDask(workers: number, options: DaskTaskRunnerOptions = {}): DaskTaskRunner {
  return new DaskTaskRunner({
    python: daskPython,
    clusterKwargs: { n_workers: workers, threads_per_worker: 1, dashboard_address: ":0" },
    ...options,
  });
}
