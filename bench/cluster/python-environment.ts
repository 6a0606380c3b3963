import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAKER = fileURLToPath(new URL("../../scripts/python-env.mjs", import.meta.url));
const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const PREFECT_FOLDER = fileURLToPath(new URL("../peers/prefect/", import.meta.url));

/** A pinned Python with a cluster's software and Prefect: the cluster and all its Python clients are of this one, so their versions agree. */
export interface ClusterPython {
  readonly python: string;
  /** Path of a program of the environment. */
  program(name: "dask" | "ray" | "prefect"): string;
  /** Environment in which its programs find the modules of the benchmarks, and write into `home` what Prefect keeps. */
  environment(home: string): NodeJS.ProcessEnv;
}

/**
 * Makes an environment in `.venv` unless it is there.
 *
 * @param settings variables of the cluster's own software, for all that runs in it
 * @throws Error when it cannot be made; why, is on standard error
 */
export function clusterPython(
  name: "prefect-dask" | "prefect-ray",
  settings: Readonly<Record<string, string>>,
): ClusterPython {
  const made = spawnSync(process.execPath, [MAKER, name], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (made.status !== 0) throw new Error(`The Python environment ${name} could not be made.`);
  const python = made.stdout.trim();
  return {
    python,
    program: (program) => join(dirname(python), program),
    environment: (home) => ({
      ...process.env,
      PYTHONPATH: [FOLDER, PREFECT_FOLDER].join(":"),
      PYTHONDONTWRITEBYTECODE: "1",
      PREFECT_HOME: home,
      PREFECT_LOGGING_LEVEL: "ERROR",
      PREFECT_SERVER_ANALYTICS_ENABLED: "false",
      ...settings,
    }),
  };
}
