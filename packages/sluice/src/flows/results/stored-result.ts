import type { Settings } from "../../client/settings.ts";
import { FileResultStore } from "../../engine/results/file-result-store.ts";
import { decodeResult } from "../../engine/results/result-codec.ts";
import type { ResultReference } from "../../wire/run-record.ts";

/**
 * Reads the value that a state refers to from the local result store of the settings.
 *
 * Resolves to undefined when it is not there: deleted, expired, or kept in a store of the user's own.
 */
export async function readStoredResult(
  reference: Pick<ResultReference, "storage_key">,
  settings: Settings,
): Promise<{ readonly value: unknown } | undefined> {
  const stored = await new FileResultStore(settings.localStoragePath).read(reference.storage_key);
  return stored === undefined ? undefined : { value: decodeResult(stored) };
}
