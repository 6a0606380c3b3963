import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAKER = fileURLToPath(new URL("../../../scripts/python-env.mjs", import.meta.url));
const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const PREFECT_FOLDER = fileURLToPath(new URL("../prefect/", import.meta.url));

/** The pinned Python with Dask and Prefect: the cluster and all its Python clients are of this one, so their versions agree. */
export interface DaskPython {
  readonly python: string;
  /** Path of a program of the environment. */
  program(name: "dask" | "prefect"): string;
  /** Environment in which its programs find the modules of the benchmarks, and write into `home` what Prefect keeps. */
  environment(home: string): NodeJS.ProcessEnv;
}

/** Makes the environment `.venv/prefect-dask` unless it is there. @throws Error when it cannot be made; why, is on standard error */
export function daskPython(): DaskPython {
  const made = spawnSync(process.execPath, [MAKER, "prefect-dask"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (made.status !== 0) throw new Error("The Python environment with Dask could not be made.");
  const python = made.stdout.trim();
  return {
    python,
    program: (name) => join(dirname(python), name),
    environment: (home) => ({
      ...process.env,
      PYTHONPATH: [FOLDER, PREFECT_FOLDER].join(":"),
      PYTHONDONTWRITEBYTECODE: "1",
      DASK_LOGGING__DISTRIBUTED: "error",
      PREFECT_HOME: home,
      PREFECT_LOGGING_LEVEL: "ERROR",
      PREFECT_SERVER_ANALYTICS_ENABLED: "false",
    }),
  };
}

/** Path of a program of this folder. */
export function daskPeerProgram(name: "measure_dask.py" | "measure_prefect_dask.py"): string {
  return join(FOLDER, name);
}
