import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Reads the version of this package from its package.json. */
export function readPackageVersion(): string {
  const content: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  const isObject = typeof content === "object" && content !== null && "version" in content;
  return isObject ? String(content.version) : "unknown";
}
