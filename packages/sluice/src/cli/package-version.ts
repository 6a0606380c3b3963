import { readFileSync } from "node:fs";

/** Reads the version of this package from its package.json. */
export function readPackageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  const content: unknown = JSON.parse(readFileSync(file, "utf8"));
  const isObject = typeof content === "object" && content !== null && "version" in content;
  return isObject ? String(content.version) : "unknown";
}
