import { isSluiceError, type ErrorCode } from "../../wire/errors.ts";

const STORE_TROUBLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "SLUICE_API_UNREACHABLE",
  "SLUICE_API_REFUSED",
  "SLUICE_HOME_UNWRITABLE",
  "SLUICE_DISK_FULL",
  "SLUICE_DATABASE_CORRUPT",
  "SLUICE_DATABASE_NEWER",
]);

/**
 * Tells the failure of the store from the failure of a run.
 *
 * A run whose user code threw (a body, a name function, a key function) has failed, and that is recorded. A run that cannot be recorded has no
 * state at all: its outcome rejects with the store's error.
 */
export function isStoreTrouble(error: unknown): boolean {
  return isSluiceError(error) && STORE_TROUBLE.has(error.code);
}
