import { SluiceError } from "../wire/errors.ts";

/** One option as a caller gave it, perhaps without types. */
export interface GivenOption {
  /** Class name of the runner, for messages. */
  readonly runner: string;
  readonly option: string;
  readonly value: unknown;
}

/** Checks that options have these keys alone. */
export function checkKeys(runner: string, options: object, allowed: readonly string[]): void {
  for (const option of Object.keys(options)) {
    if (!allowed.includes(option))
      throw invalid({ runner, option, value: "an option it does not have" }, `one of ${allowed.join(", ")}`);
  }
}

/** Checks an integer >= 1; gives `fallback` for undefined. */
export function checkCount(given: GivenOption, fallback: number): number {
  const { value } = given;
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return value;
  throw invalid(given, "an integer of at least 1");
}

/** Checks a finite number >= 0; gives `fallback` for undefined. */
export function checkSeconds(given: GivenOption, fallback: number): number {
  const { value } = given;
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw invalid(given, "a number of seconds, 0 or more");
}

/** Makes the error for an option that cannot be used. */
export function invalid({ runner, option, value }: GivenOption, expected: string): SluiceError {
  const got = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new SluiceError(
    "SLUICE_OPTION_INVALID",
    `Expected option "${option}" of ${runner} to be ${expected}, got ${got}.`,
  );
}
