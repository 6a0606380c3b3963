/**
 * Results as files of one folder, shared by all processes of a home.
 *
 * A file holds one result. With the serializer `json` it is Prefect's result record, `{"metadata":{…},"result":"<JSON text>"}`; with `v8` it is
 * `{"metadata":{…}}`, a newline, and the bytes.
 *
 * 1. A file appears whole or not at all: it is written beside its place and renamed. Of several writers of one key the last one stays.
 * 2. A key never leaves the folder: one that is not a plain lower-case name becomes its hash, and the record names the key it is of.
 * 3. An expired, damaged or foreign file is as good as none: it is read as undefined and replaced at the next write.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SluiceError } from "../../wire/errors.ts";
import type { ErrorCode } from "../../wire/errors.ts";
import type { ResultReference } from "../../wire/run-record.ts";
import { hashBytes } from "../values/canonical-hash.ts";
import type { ResultStore, StoredResult } from "../ports.ts";
import { isExpired } from "./result-codec.ts";

export interface FileResultStoreOptions {
  /** Milliseconds since the epoch, for the check of expirations. Default `Date.now`. */
  readonly nowMs?: () => number;
}

/** Keeps results as files, mode 0600. Makes the folder at the first write. */
export class FileResultStore implements ResultStore {
  readonly folder: string;
  readonly #nowMs: () => number;

  /** @param folder absolute path; the setting SLUICE_LOCAL_STORAGE_PATH, by default `<home>/storage` */
  constructor(folder: string, { nowMs = Date.now }: FileResultStoreOptions = {}) {
    this.folder = folder;
    this.#nowMs = nowMs;
  }

  /** Resolves to undefined when there is no result of this key, or an expired one. Rejects with `SLUICE_HOME_UNWRITABLE` without the right to read. */
  async read(key: string): Promise<StoredResult | undefined> {
    const path = this.pathOf(key);
    try {
      const stored = parseRecord(await readFile(path));
      if (stored?.reference.storage_key !== key || isExpired(stored.reference, this.#nowMs())) return undefined;
      return stored;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw storageError(error, `read the result "${key}" from ${path}`);
    }
  }

  /** Resolves when the file is in place. Rejects with `SLUICE_DISK_FULL` or `SLUICE_HOME_UNWRITABLE`; a file that was there stays as it was. */
  async write(key: string, result: StoredResult): Promise<void> {
    const path = this.pathOf(key);
    const temporary = join(this.folder, `${TEMPORARY_PREFIX}${randomUUID()}`);
    try {
      await this.#writeNew(temporary, writeRecord(result));
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {
        // The first error tells the story; a temporary file that cannot be removed either is never read.
      });
      throw storageError(error, `write the result "${key}" to ${path}`);
    }
  }

  /** Resolves when there is no result of this key any more, also when there was none. */
  async delete(key: string): Promise<void> {
    const path = this.pathOf(key);
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw storageError(error, `delete the result "${key}" at ${path}`);
    }
  }

  /** The file that a key has, whether or not it is there. */
  pathOf(key: string): string {
    return join(this.folder, PLAIN_KEY.test(key) && !HASHED_KEY.test(key) ? key : `${HASHED_PREFIX}${hashBytes(key)}`);
  }

  async #writeNew(path: string, parts: readonly Uint8Array[]): Promise<void> {
    const file = await this.#create(path);
    try {
      for (const part of parts) await file.writeFile(part);
    } finally {
      await file.close();
    }
  }

  async #create(path: string): ReturnType<typeof open> {
    try {
      return await open(path, "wx", FILE_MODE);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      await mkdir(this.folder, { recursive: true, mode: FOLDER_MODE });
      return open(path, "wx", FILE_MODE);
    }
  }
}

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Results of runs have such keys (hashes, ids). Lower case only, since some file systems take "A" for "a"; the dot keeps `.` and `..` out. */
const PLAIN_KEY = /^[a-z0-9][a-z0-9_-]{0,120}$/;
const HASHED_PREFIX = "key-";
/** A key that looks like the hash of another one is hashed as well. */
const HASHED_KEY = /^key-[0-9a-f]{32}$/;
/** No key has a name that begins with a dot. */
const TEMPORARY_PREFIX = ".writing-";

function writeRecord({ reference, body }: StoredResult): Uint8Array[] {
  const { type: _, ...metadata } = reference;
  if (reference.serializer.type !== "json") return [Buffer.from(`${JSON.stringify({ metadata })}\n`), body];
  const result = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  return [Buffer.from(JSON.stringify({ metadata, result }))];
}

const NEWLINE = 10;

/** Undefined for bytes that are no record. */
function parseRecord(file: Buffer): StoredResult | undefined {
  const newline = file.indexOf(NEWLINE);
  const record = parseObject(file.toString("utf8", 0, newline === -1 ? file.length : newline));
  const reference = readReference(record?.["metadata"]);
  if (reference === undefined) return undefined;
  if (newline !== -1) return { reference, body: file.subarray(newline + 1) };
  const result = record?.["result"];
  return typeof result === "string" ? { reference, body: Buffer.from(result) } : undefined;
}

function readReference(metadata: unknown): ResultReference | undefined {
  if (!isRecord(metadata)) return undefined;
  const { storage_key, storage_block_id = null, expiration = null, serializer, prefect_version } = metadata;
  const type = isRecord(serializer) ? serializer["type"] : undefined;
  if (typeof storage_key !== "string" || (type !== "json" && type !== "v8")) return undefined;
  return {
    type: "reference",
    storage_key,
    storage_block_id: typeof storage_block_id === "string" ? storage_block_id : null,
    expiration: typeof expiration === "string" ? expiration : null,
    serializer: { type },
    ...(typeof prefect_version === "string" && { prefect_version }),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    // A damaged file is as good as none (invariant 3).
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

const STORAGE_ERRORS: ReadonlyMap<unknown, readonly [ErrorCode, string]> = new Map([
  ["ENOSPC", ["SLUICE_DISK_FULL", "The disk is full: free some space and run again."]],
  ["EDQUOT", ["SLUICE_DISK_FULL", "The disk quota is used up: free some space and run again."]],
  ...["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "EISDIR", "ELOOP"].map((code): [string, [ErrorCode, string]] => [
    code,
    [
      "SLUICE_HOME_UNWRITABLE",
      "Give this user the right to it, or set SLUICE_LOCAL_STORAGE_PATH to a folder that can be written.",
    ],
  ]),
]);

/** Gives the errors of a disk their code, and leaves any other as it is. */
function storageError(error: unknown, act: string): unknown {
  const [code, advice] = STORAGE_ERRORS.get(codeOf(error)) ?? [];
  if (code === undefined) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SluiceError(code, `Could not ${act}: ${reason}. ${advice}`, { cause: error });
}
