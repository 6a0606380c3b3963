import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as smolToml from "smol-toml";
import { SluiceError } from "../wire/errors.ts";

/** Settings of one profile: variable to text. */
export type ProfileValues = Readonly<Record<string, string>>;

/**
 * Named groups of settings in `<home>/profiles.toml`, of which one is active:
 *
 * ```toml
 * active = "team"
 * [profiles.team]
 * SLUICE_API_URL = "http://10.0.0.5:4200/api"
 * ```
 *
 * A value: nothing on disk changes until {@link writeProfiles}.
 */
export class Profiles {
  readonly active: string;
  readonly profiles: ReadonlyMap<string, ProfileValues>;
  readonly #file: string;

  constructor(file: string, active: string, profiles: ReadonlyMap<string, ProfileValues>) {
    this.#file = file;
    this.active = active;
    this.profiles = profiles;
  }

  /**
   * Gives the profile that `name` asks for, else the active one; the profile "default" is empty when nobody wrote it.
   *
   * @throws SluiceError `SLUICE_PROFILE_INVALID` when there is no such profile
   */
  select(name: string | undefined): { readonly name: string; readonly values: ProfileValues } {
    const wanted = name === undefined || name === "" ? this.active : name;
    const values = this.profiles.get(wanted);
    if (values !== undefined) return { name: wanted, values };
    if (wanted === DEFAULT_PROFILE) return { name: wanted, values: {} };
    const known = [...this.profiles.keys()].join(", ");
    throw invalid(this.#file, `has no profile ${JSON.stringify(wanted)}; it has: ${known === "" ? "none" : known}.`);
  }

  /** Returns a copy in which one profile has these values; undefined removes the profile. */
  with(name: string, values: ProfileValues | undefined): Profiles {
    const profiles = new Map(this.profiles);
    if (values === undefined) profiles.delete(name);
    else profiles.set(name, values);
    const active = values === undefined && this.active === name ? DEFAULT_PROFILE : this.active;
    return new Profiles(this.#file, active, profiles);
  }

  /** Returns a copy in which `name` is active. @throws SluiceError `SLUICE_PROFILE_INVALID` when there is no such profile */
  activate(name: string): Profiles {
    return new Profiles(this.#file, this.select(name).name, this.profiles);
  }
}

const DEFAULT_PROFILE = "default";

/** Path of the profiles of a home. */
export function profilesFile(home: string): string {
  return join(home, "profiles.toml");
}

/**
 * Reads the profiles of a home; a file that is not there is a home without profiles.
 *
 * @throws SluiceError `SLUICE_PROFILE_INVALID` naming the file when it is not TOML of the right shape
 */
export function readProfiles(file: string): Profiles {
  const profiles = new Map<string, ProfileValues>();
  if (!existsSync(file)) return new Profiles(file, DEFAULT_PROFILE, profiles);
  let document: unknown;
  try {
    document = toml().parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw invalid(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const root = asTable(file, document, "the file");
  const active = root["active"] ?? DEFAULT_PROFILE;
  if (typeof active !== "string") throw invalid(file, '"active" must be the name of a profile.');
  for (const [name, value] of Object.entries(asTable(file, root["profiles"] ?? {}, '"profiles"'))) {
    const texts: Record<string, string> = {};
    for (const [variable, entry] of Object.entries(asTable(file, value, `"profiles.${name}"`))) {
      texts[variable] = asText(file, variable, entry);
    }
    profiles.set(name, texts);
  }
  return new Profiles(file, active, profiles);
}

/**
 * Writes the profiles as a whole, readable by their owner only because they may hold keys. Comments in the old file are lost.
 *
 * Atomic: a reader sees the old file or the new one.
 *
 * @throws SluiceError `SLUICE_HOME_UNWRITABLE`
 */
export function writeProfiles(file: string, profiles: Profiles): void {
  const text = toml().stringify({ active: profiles.active, profiles: Object.fromEntries(profiles.profiles) });
  const temporary = `${file}.${String(process.pid)}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, `${text}\n`, { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SluiceError(
      "SLUICE_HOME_UNWRITABLE",
      `Cannot write ${file}: ${reason}. Check its owner or set SLUICE_HOME.`,
      {
        cause: error,
      },
    );
  }
}

/** The TOML library, loaded at the first profiles file and not before: most homes have none. */
function toml(): typeof smolToml {
  // The package is what the type import names; `require` alone cannot say so.
  return createRequire(import.meta.url)("smol-toml") as typeof smolToml;
}

function asTable(file: string, value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) {
    throw invalid(file, `${what} must be a table.`);
  }
  // A non-null object that is neither array nor date is a TOML table: string keys, unknown values.
  return value as Record<string, unknown>;
}

function asText(file: string, variable: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value.join(",");
  throw invalid(file, `${variable} must be a text, a number, true, false or a list of texts.`);
}

function invalid(file: string, what: string, cause?: unknown): SluiceError {
  return new SluiceError("SLUICE_PROFILE_INVALID", `${file} ${what}`, cause === undefined ? {} : { cause });
}
