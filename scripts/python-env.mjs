/**
 * Makes the Python environments of the benchmarks and the tests, in exact versions; a second run does nothing.
 *
 * - `.venv/prefect`, of `scripts/python-requirements.txt`: the real Prefect.
 * - `.venv/dask`, of `scripts/python-requirements-dask.txt`: Dask's scheduler and workers.
 * - `.venv/prefect-dask`, of `scripts/python-requirements-prefect-dask.txt`: Dask with Prefect's task runner for it, on its nodes too.
 * - `.venv/dask-2025.4`, `.venv/dask-2025.12`: older releases of Dask that are supported.
 * - `.venv/ray`, of `scripts/python-requirements-ray.txt`: Ray.
 * - `.venv/prefect-ray`, of `scripts/python-requirements-prefect-ray.txt`: Ray with Prefect's task runner for it, which wants Python 3.11.
 * - `.venv/interop`, of `scripts/python-requirements-interop.txt`: schemathesis, which makes requests up from the contract.
 *
 * `node scripts/python-env.mjs [NAME]` makes one of them, by default Prefect's, and prints the path of its Python on
 * standard output. Exits with 1 and one line when there is no fitting Python.
 */
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repoFolder } from "./repo-node.mjs";

/** Each environment, by the folder's name in `.venv`: where its versions stand, and what it brings. */
const environments = {
  prefect: { requirements: "scripts/python-requirements.txt", content: "Prefect" },
  ray: { requirements: "scripts/python-requirements-ray.txt", content: "Ray" },
  "prefect-ray": { requirements: "scripts/python-requirements-prefect-ray.txt", content: "Ray and Prefect" },
  "dask-2025.4": { requirements: "scripts/python-requirements-dask-2025.4.txt", content: "Dask 2025.4" },
  "dask-2025.12": { requirements: "scripts/python-requirements-dask-2025.12.txt", content: "Dask 2025.12" },
  dask: { requirements: "scripts/python-requirements-dask.txt", content: "Dask" },
  "prefect-dask": { requirements: "scripts/python-requirements-prefect-dask.txt", content: "Dask and Prefect" },
  interop: { requirements: "scripts/python-requirements-interop.txt", content: "schemathesis" },
};
/** All run on these; the first one found is taken. */
const interpreters = ["python3.11", "python3.12", "python3.13", "python3.10", "python3"];

function isFitting(interpreter) {
  const asked = spawnSync(interpreter, ["-c", "import sys, venv, ensurepip; print(sys.version_info[1])"], {
    encoding: "utf8",
  });
  const minor = Number(asked.stdout);
  return asked.status === 0 && minor >= 10 && minor <= 13;
}

/** Runs a step with its output on standard error; throws when it fails. */
function step(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}; its messages are above`);
}

/**
 * Makes an environment unless it is there with the required versions, and returns the path of its Python.
 *
 * @param name a folder of the list above; `prefect` by default
 * @throws Error when no Python 3.10 to 3.13 with venv is installed, or pip fails
 */
export function preparePython(name = "prefect") {
  if (!Object.hasOwn(environments, name)) {
    throw new Error(`expected one of ${Object.keys(environments).join(", ")}, got ${name}`);
  }
  const { requirements: file, content } = environments[name];
  const requirements = join(repoFolder, file);
  const folder = join(repoFolder, ".venv", name);
  const python = join(folder, "bin/python");
  const stamp = join(folder, ".requirements-sha256");
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python;
  const interpreter = interpreters.find(isFitting);
  if (interpreter === undefined) {
    throw new Error("found no Python 3.10 to 3.13 with its venv module (on Debian: apt install python3 python3-venv)");
  }
  console.error(`Installing ${content} for ${interpreter} into .venv/${name} (once, about a minute) …`);
  rmSync(folder, { recursive: true, force: true });
  step(interpreter, ["-m", "venv", folder]);
  step(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", requirements]);
  step(python, ["-m", "pip", "--disable-pip-version-check", "check"]);
  writeFileSync(stamp, wanted);
  return python;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    console.log(preparePython(process.argv[2]));
  } catch (error) {
    console.error(`The Python environment could not be made: ${error.message}.`);
    process.exitCode = 1;
  }
}
