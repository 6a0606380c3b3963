import { existsSync } from "node:fs";
import { join } from "node:path";
import { SluiceError } from "../../wire/errors.ts";

/**
 * The Python that clusters are made with: the option `python`, else `SLUICE_PYTHON`, else the environment that `sluice dask install` (or `ray`) has made.
 *
 * @param name of that environment: "dask", "ray"
 * @param folder of the environments (`HomeLink.pythonFolder`)
 * @throws SluiceError SLUICE_PYTHON_MISSING with the command that makes one
 */
export function findPython(name: string, option: string | null, folder: string): string {
  const given = option ?? process.env["SLUICE_PYTHON"];
  if (given !== undefined && given !== "") return given;
  const made = join(folder, name, "bin", "python");
  if (folder !== "" && existsSync(made)) return made;
  throw new SluiceError(
    "SLUICE_PYTHON_MISSING",
    `Expected a Python with ${name} to make a cluster, found none. Run \`npx sluice ${name} install\`, which makes one; or name one by the option "python" or by SLUICE_PYTHON; or give the address of a running cluster.`,
  );
}
