/**
 * The API keys of a server: a file beside its database (mode 0600), read again when it has changed. It holds no key, only what a key is recognised by.
 *
 * A key is `slk_`, 40 random characters, and 6 that are a checksum of these: a typing error, or a word that merely looks like a key, is told without a
 * look at the file, and a leaked key is found by its form. Keys that are revoked or expired stay in the file: a server that ever had a key does not
 * become open to everybody when its last one goes.
 */
import { hash, randomBytes, randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { SluiceError } from "../../wire/errors.ts";
import { SCOPES, type Scope } from "./scopes.ts";

/** A key as it is kept. */
export interface ApiKeyRecord {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  /** SHA-256 of the key, in hex. A key is random and long: nothing slower is needed. */
  readonly sha256: string;
  /** ISO instants. */
  readonly created: string;
  readonly expires: string | null;
  readonly revoked: string | null;
}

/** What a new key is to be. */
export interface NewApiKey {
  readonly name: string;
  readonly scope: Scope;
  /** Days that it is good for; null for ever. */
  readonly days: number | null;
}

/** Its name in a home. */
export const API_KEY_FILE = "api-keys.json";

const PREFIX = "slk_";
const SECRET_BYTES = 20;
/** How soon a change of the file is seen. */
const LOOK_EVERY_MS = 1000;
const DAY_MS = 86_400_000;

/** The keys of one file; see the head of this one. */
export class ApiKeyFile {
  readonly file: string;
  #records: readonly ApiKeyRecord[] = [];
  #version = "";
  #lookedAtMs = -Infinity;

  /** Reads the file, when it is there. @throws SluiceError `SLUICE_OPTION_INVALID` for one that holds no keys */
  constructor(file: string) {
    this.file = file;
    this.#records = this.list();
  }

  /** Whether a key was ever made: then every request must bring one. */
  hasKeys(): boolean {
    return this.#current().length > 0;
  }

  /** The scope of a key that is good; undefined for any other text. */
  scopeOf(key: string, nowMs = Date.now()): Scope | undefined {
    if (!isWellFormed(key)) return undefined;
    const sha256 = hash("sha256", key, "hex");
    // The comparison of two hashes gives away nothing of the keys behind them.
    const find = (): ApiKeyRecord | undefined => this.#current().find((one) => one.sha256 === sha256);
    let record = find();
    if (!record) {
      // It may have been made a moment ago.
      this.#lookedAtMs = -Infinity;
      record = find();
    }
    if (!record || record.revoked !== null) return undefined;
    return record.expires !== null && Date.parse(record.expires) <= nowMs ? undefined : record.scope;
  }

  /** Makes a key and keeps what it is recognised by. The text of the key is nowhere else. */
  create({ name, scope, days }: NewApiKey): { readonly key: string; readonly record: ApiKeyRecord } {
    const secret = randomBytes(SECRET_BYTES).toString("hex");
    const key = `${PREFIX}${secret}${checksumOf(secret)}`;
    const nowMs = Date.now();
    const record: ApiKeyRecord = {
      id: randomUUID(),
      name,
      scope,
      sha256: hash("sha256", key, "hex"),
      created: new Date(nowMs).toISOString(),
      expires: days === null ? null : new Date(nowMs + days * DAY_MS).toISOString(),
      revoked: null,
    };
    this.#write([...this.list(), record]);
    return { key, record };
  }

  /** Revokes the keys of an id or a name; returns those that were good until now. */
  revoke(idOrName: string): readonly ApiKeyRecord[] {
    const isMeant = (one: ApiKeyRecord): boolean =>
      one.revoked === null && (one.id === idOrName || one.name === idOrName);
    const records = this.list();
    const revoked = new Date().toISOString();
    this.#write(records.map((one) => (isMeant(one) ? { ...one, revoked } : one)));
    return records.filter(isMeant);
  }

  /** All keys, as the file is now. @throws SluiceError `SLUICE_OPTION_INVALID` */
  list(): readonly ApiKeyRecord[] {
    if (!existsSync(this.file)) return [];
    try {
      const read: unknown = JSON.parse(readFileSync(this.file, "utf8"));
      if (Array.isArray(read) && read.every((one) => isRecord(one))) return read;
      throw new Error("it holds something else");
    } catch (error) {
      throw new SluiceError("SLUICE_OPTION_INVALID", `${this.file} must be a list of API keys: ${String(error)}.`, {
        cause: error,
      });
    }
  }

  #current(): readonly ApiKeyRecord[] {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return this.#records;
    this.#lookedAtMs = nowMs;
    const stat = statSync(this.file, { throwIfNoEntry: false });
    const version = stat === undefined ? "" : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    if (version === this.#version) return this.#records;
    // A file that is gone leaves the keys as they were: nobody opens a server by taking a file away.
    if (stat !== undefined) this.#records = this.list();
    this.#version = version;
    return this.#records;
  }

  #write(records: readonly ApiKeyRecord[]): void {
    const beside = `${this.file}.${process.pid}`;
    writeFileSync(beside, `${JSON.stringify(records, null, 2)}\n`, { mode: 0o600 });
    renameSync(beside, this.file);
    this.#lookedAtMs = -Infinity;
  }
}

/** Whether a text has the form of a key, its checksum included. */
export function isWellFormed(key: string): boolean {
  const [, secret, checksum] = /^slk_([0-9a-f]{40})([0-9a-f]{6})$/.exec(key) ?? [];
  return secret !== undefined && checksumOf(secret) === checksum;
}

function checksumOf(secret: string): string {
  return crc32(secret).toString(16).padStart(8, "0").slice(-6);
}

function isRecord(value: unknown): value is ApiKeyRecord {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const isText = (name: string): boolean => typeof fields.get(name) === "string";
  const isTextOrNull = (name: string): boolean => fields.get(name) === null || isText(name);
  return (
    ["id", "name", "sha256", "created"].every(isText) &&
    ["expires", "revoked"].every(isTextOrNull) &&
    SCOPES.some((scope) => scope === fields.get("scope"))
  );
}
