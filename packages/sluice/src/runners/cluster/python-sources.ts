import { hash } from "node:crypto";
import { readFileSync } from "node:fs";

const folder = new URL("../../../python/", import.meta.url);
const sources = new Map<string, string>();

/** A Python file of the package, as text. */
export function pythonSource(name: string): string {
  let text = sources.get(name);
  if (text === undefined) sources.set(name, (text = readFileSync(new URL(name, folder), "utf8")));
  return text;
}

/** Where a Python file of the package lies. */
export function pythonFile(name: string): URL {
  return new URL(name, folder);
}

/** Twelve hexadecimal digits that tell versions of these files apart. */
export function hashOfSources(names: readonly string[]): string {
  return hash("sha256", names.map(pythonSource).join("\n")).slice(0, 12);
}
