import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DaskTaskRunner, type DaskTaskRunnerOptions } from "./dask/index.ts";

/** The Python with Dask that `npm test` makes. */
export const daskPython = fileURLToPath(new URL("../../../../.venv/dask/bin/python", import.meta.url));

export const hasDaskPython = existsSync(daskPython);

/** A runner on a temporary cluster of this many workers, of one thread each. */
export function localDask(workers: number, options: DaskTaskRunnerOptions = {}): DaskTaskRunner {
  return new DaskTaskRunner({
    python: daskPython,
    clusterKwargs: { n_workers: workers, threads_per_worker: 1, dashboard_address: ":0" },
    ...options,
  });
}
