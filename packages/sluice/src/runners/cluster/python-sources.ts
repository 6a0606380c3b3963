import { hash } from "node:crypto";
import { readFileSync } from "node:fs";

/** All of the package's Python files. */
export const PYTHON_FILES = [
  "node_process.py",
  "node_bridge.py",
  "node_loop.py",
  "dask_tasks.py",
  "dask_worker.py",
  "dask_scheduler.py",
  "dask_cluster.py",
  "python_call.py",
  "ray_bridge.py",
  "ray_driver.py",
  "ray_node.py",
  "ray_job.py",
] as const;

const folder = new URL("../../../python/", import.meta.url);
type PythonFile = (typeof PYTHON_FILES)[number];

const sources = new Map<string, string>();

/** A Python file of the package, as text. */
export function pythonSource(name: PythonFile): string {
  let text = sources.get(name);
  if (text === undefined) sources.set(name, (text = readFileSync(new URL(name, folder), "utf8")));
  return text;
}

/** Where a Python file of the package lies. */
export function pythonFile(name: PythonFile): URL {
  return new URL(name, folder);
}

/** Twelve hexadecimal digits that tell versions of these files apart. */
export function hashOfSources(names: readonly PythonFile[]): string {
  return hash("sha256", names.map(pythonSource).join("\n")).slice(0, 12);
}
