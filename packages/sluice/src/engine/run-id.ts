// The namespace, not the name: an older Node must be able to link this module, so that it can say what it needs.
import * as crypto from "node:crypto";

/** Makes the id of a run: a UUIDv7, so that rows of runs follow one another in time. */
export function newRunId(): string {
  return crypto.randomUUIDv7();
}
