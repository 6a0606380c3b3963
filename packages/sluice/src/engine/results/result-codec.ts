import { deserialize, serialize } from "node:v8";
import { SluiceError } from "../../wire/errors.ts";
import type { ResultReference } from "../../wire/run-record.ts";
import { isExactJson } from "../values/exact-json.ts";
import type { StoredResult } from "../ports.ts";
import { notSerializableError, refuseEmptied } from "../values/serializable.ts";

/** How a result is kept. */
export interface EncodeOptions {
  /** Key in the result store. */
  readonly key: string;
  /** Milliseconds since the epoch after which the result is no longer taken; null (default), or later than a date can be, for never. */
  readonly expiresAtMs?: number | null | undefined;
  /** How the value is called when it cannot be stored. Default `result`. */
  readonly rootName?: string;
}

/** The last moment of a JavaScript date. */
const LAST_DATE_MS = 8.64e15;

/**
 * Writes a value as bytes with the reference that the state carries.
 *
 * JSON when the value comes back from it exactly (so Prefect's clients can read it), else V8's structured clone: `undefined`, Date, Map, Set,
 * BigInt, typed arrays, cycles, errors. An instance of a class comes back as a plain object with its fields.
 *
 * @throws SluiceError `SLUICE_NOT_SERIALIZABLE` that names the part to blame, such as `result.handlers[3]`
 */
export function encodeResult(
  value: unknown,
  { key, expiresAtMs = null, rootName = "result" }: EncodeOptions,
): StoredResult {
  const json = isExactJson(value);
  const isForEver = expiresAtMs === null || expiresAtMs > LAST_DATE_MS;
  return {
    reference: {
      type: "reference",
      storage_key: key,
      storage_block_id: null,
      expiration: isForEver ? null : new Date(expiresAtMs).toISOString(),
      serializer: { type: json ? "json" : "v8" },
    },
    body: json ? Buffer.from(JSON.stringify(value)) : encodeClone(value, rootName),
  };
}

/**
 * Reads the value of a stored result.
 *
 * Large typed arrays may share memory with `body`, so a body is decoded once and not changed after.
 *
 * @throws SluiceError `SLUICE_RESULT_MISSING` when the bytes are not what the reference says
 */
export function decodeResult({ reference, body }: StoredResult): unknown {
  try {
    if (reference.serializer.type === "v8") return deserialize(body) as unknown;
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8")) as unknown;
  } catch (cause) {
    throw new SluiceError(
      "SLUICE_RESULT_MISSING",
      `The stored result "${reference.storage_key}" cannot be read as ${reference.serializer.type}. It was written by a newer version or damaged: delete it and run again.`,
      { cause },
    );
  }
}

/** Tells whether a result may no longer be taken. */
export function isExpired({ expiration }: ResultReference, nowMs: number): boolean {
  return expiration !== null && Date.parse(expiration) <= nowMs;
}

function encodeClone(value: unknown, rootName: string): Uint8Array {
  refuseEmptied(value, rootName);
  try {
    return serialize(value);
  } catch (cause) {
    throw notSerializableError(value, rootName, cause);
  }
}
