import type { Command } from "commander";
import { loadSettings } from "../client/settings.ts";
import { API_VERSION } from "../client/transport.ts";
import { type OutputFormat, printJson, printLines, withOutput } from "./output.ts";
import { readPackageVersion } from "./package-version.ts";

/** Adds `version`. */
export function define(command: Command): void {
  withOutput(command).action(({ output }: { output: OutputFormat }) => {
    const { home, apiUrl } = loadSettings();
    const versions = {
      sluice: readPackageVersion(),
      api: API_VERSION,
      node: process.versions.node,
      sqlite: process.versions["sqlite"] ?? "unknown",
      platform: `${process.platform} ${process.arch}`,
      home,
      server: apiUrl ?? "embedded",
    };
    if (output === "json") return printJson(versions);
    printLines(Object.entries(versions).map(([name, value]) => `${name.padEnd(10)}${value}`));
  });
}
