import type { build } from "esbuild";
import { SluiceError } from "../../../wire/errors.ts";

/** What is used of esbuild. */
export interface Bundler {
  readonly build: typeof build;
}

let loading: Promise<Bundler> | undefined;

/** Loads esbuild, which only clusters need. @throws SluiceError SLUICE_CLUSTER_UNFIT with the command that installs it */
export function loadBundler(): Promise<Bundler> {
  loading ??= import("esbuild").catch((cause: unknown) => {
    loading = undefined;
    throw new SluiceError(
      "SLUICE_CLUSTER_UNFIT",
      `Expected the package esbuild, which bundles the code that goes to a cluster: ${cause instanceof Error ? cause.message : String(cause)}. Install it: npm install esbuild`,
      { cause },
    );
  });
  return loading;
}
