import type { Command } from "commander";
import { installEnvironment } from "./python-environment.ts";

/** The release that the runner is tested with. */
const RAY = "2.60.0";

/** Adds `ray install`. */
export function define(command: Command): void {
  command
    .command("install")
    .summary("Make a Python environment with Ray, for the bridge to a cluster")
    .option(
      "--python <interpreter>",
      "Python to make it with, of the cluster's minor version; default: the newest on the PATH",
    )
    .option("--ray <version>", "The cluster's version of Ray", RAY)
    .option("--with <packages...>", "Further packages, such as ray[client] for ray:// addresses")
    .action((options: { python?: string; ray: string; with?: string[] }) =>
      installEnvironment({
        name: "ray",
        packages: [`ray==${options.ray}`, ...(options.with ?? [])],
        python: options.python ?? null,
      }),
    );
}
