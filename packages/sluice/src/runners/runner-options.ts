import { SluiceError } from "../wire/errors.ts";

/** Refuses what a caller without types may pass: checks that options are an object with these keys alone. */
export function checkKeys(runner: string, options: object, allowed: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!allowed.includes(key)) throw invalid(runner, key, `one of ${allowed.join(", ")}`, "an option it does not have");
  }
}

/** Checks an integer >= 1; gives `fallback` for undefined. */
export function checkCount(runner: string, option: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return value;
  throw invalid(runner, option, "an integer of at least 1", value);
}

/** Checks a finite number >= 0; gives `fallback` for undefined. */
export function checkSeconds(runner: string, option: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw invalid(runner, option, "a number of seconds, 0 or more", value);
}

/** Makes the error for an option that cannot be used. */
export function invalid(runner: string, option: string, expected: string, got: unknown): SluiceError {
  return new SluiceError("SLUICE_OPTION_INVALID", `Expected option "${option}" of ${runner} to be ${expected}, got ${typeof got === "string" ? JSON.stringify(got) : String(got)}.`);
}
