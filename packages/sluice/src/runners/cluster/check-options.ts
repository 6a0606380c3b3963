import { invalid, type GivenOption } from "../runner-options.ts";

/** A text, null when it was not given. */
export function checkText(given: GivenOption): string | null {
  const { value } = given;
  if (value === undefined) return null;
  if (typeof value !== "string" || value === "") throw invalid(given, "a text");
  return value;
}

/** A list of texts, empty when it was not given. */
export function checkTexts(given: GivenOption): readonly string[] {
  const { value } = given;
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string"))
    throw invalid(given, "a list of texts");
  return [...value];
}

/** An object of plain data, null when it was not given. */
export function checkData(given: GivenOption): Readonly<Record<string, unknown>> | null {
  const { runner, option, value } = given;
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(given, "an object");
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined && JSON.stringify(item) === undefined) {
      throw invalid(
        { runner, option: `${option}.${key}`, value: item },
        "plain data, which can be passed on to Python",
      );
    }
  }
  return JSON.parse(JSON.stringify(value)) as Readonly<Record<string, unknown>>; // the object itself
}

/** An integer of at least 1; 0, which stands for all there are, when it was not given. */
export function checkCountOrAll(given: GivenOption): number {
  const { value } = given;
  if (value === undefined) return 0;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return value;
  throw invalid(given, "an integer of at least 1");
}

/** Variables of an environment. */
export function checkEnvironment(
  runner: string,
  env: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, string>> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== "string") throw invalid({ runner, option: `env.${name}`, value }, "a string");
    checked[name] = value;
  }
  return checked;
}
