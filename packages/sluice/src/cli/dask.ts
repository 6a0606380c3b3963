import type { Command } from "commander";
import { installEnvironment } from "./python-environment.ts";

/** The release that the runner is tested with. */
const DISTRIBUTED = "2026.8.0";

/** Adds `dask install`. */
export function define(command: Command): void {
  command
    .command("install")
    .summary("Make a Python environment with Dask, for temporary clusters")
    .option("--python <interpreter>", "Python to make it with; default: the newest on the PATH")
    .option("--distributed <version>", "Version of Dask's distributed", DISTRIBUTED)
    .option("--with <packages...>", "Further packages: bokeh for the dashboard, dask-kubernetes and the like")
    .action((options: { python?: string; distributed: string; with?: string[] }) =>
      installEnvironment({
        name: "dask",
        packages: [`distributed==${options.distributed}`, ...(options.with ?? [])],
        python: options.python ?? null,
      }),
    );
}
