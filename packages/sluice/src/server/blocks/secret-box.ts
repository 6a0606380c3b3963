/**
 * Encrypts what blocks hold, with a key that lies outside the database: whoever gets the database file alone reads nothing.
 *
 * The key comes from `SLUICE_ENCRYPTION_KEY` (32 bytes in base64), else from the file `encryption.key` beside the database, which is made (mode 0600) at the
 * first need. AES-256-GCM, a new nonce for every value; the place where a value belongs is authenticated with it, so one cannot be put in another's place.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SluiceError } from "../../wire/errors.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = "v1";
const VARIABLE = "SLUICE_ENCRYPTION_KEY";

/** Encrypts and decrypts by one key. */
export class SecretBox {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * Opens the box of a database, with the key of the environment or of the file beside it.
   *
   * @throws SluiceError `SLUICE_OPTION_INVALID` for a key that is none
   */
  static open(databaseFile: string, environment: Readonly<Record<string, string | undefined>>): SecretBox {
    const given = environment[VARIABLE];
    if (given !== undefined && given !== "") return new SecretBox(keyOf(given, VARIABLE));
    const file = join(dirname(databaseFile), "encryption.key");
    if (!existsSync(file)) {
      // Another process may make it at the same time: the first one wins, both read what is there.
      try {
        writeFileSync(file, `${randomBytes(KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flag: "wx" });
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      }
    }
    return new SecretBox(keyOf(readFileSync(file, "utf8").trim(), file));
  }

  /** Encrypts a JSON value. @param place what the value belongs to; needed again to read it */
  seal(value: unknown, place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
    return `${VERSION}:${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64")}`;
  }

  /** Reads what {@link seal} wrote for this place. @throws SluiceError `SLUICE_SECRET_UNREADABLE` when the key is another or the value was changed */
  open(text: string, place: string): unknown {
    const [version, encoded = ""] = text.split(":", 2);
    const bytes = Buffer.from(encoded, "base64");
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    try {
      if (version !== VERSION) throw new Error(`written as ${version}`);
      const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(place))
        .setAuthTag(tag);
      const opened = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      return JSON.parse(opened.toString("utf8"));
    } catch (error) {
      throw new SluiceError(
        "SLUICE_SECRET_UNREADABLE",
        `The data of ${place} cannot be decrypted: the encryption key is not the one it was written with. Set ${VARIABLE} to that key, or put its file encryption.key back beside the database.`,
        { cause: error },
      );
    }
  }
}

function keyOf(text: string, source: string): Buffer {
  const key = Buffer.from(text, "base64");
  if (key.length === KEY_BYTES) return key;
  throw new SluiceError(
    "SLUICE_OPTION_INVALID",
    `${source} must hold ${KEY_BYTES} bytes in base64, as \`openssl rand -base64 ${KEY_BYTES}\` prints; got ${key.length} bytes.`,
  );
}
