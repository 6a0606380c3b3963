import type { Settings } from "../client/settings.ts";
import type { StateRow } from "./api-calls.ts";

/** The value of a run, or why there is none to show. */
export type ReadResult =
  | { readonly isThere: true; readonly value: unknown }
  | { readonly isThere: false; readonly value: null; readonly why: string };

/** Reads the value that a run's state refers to from the result store that the settings name. */
export async function readResult(state: StateRow | null, settings: Settings): Promise<ReadResult> {
  const reference = state?.data;
  if (!reference || !("storage_key" in reference)) return none("not kept (persistResult is off)");
  const { readStoredResult } = await import("../flows/results/stored-result.ts");
  const found = await readStoredResult(reference, settings);
  if (!found) return none(`not in ${settings.localStoragePath} (${reference.storage_key})`);
  return { isThere: true, value: found.value };
}

function none(why: string): ReadResult {
  return { isThere: false, value: null, why };
}
