import { homedir } from "node:os";
import { resolve } from "node:path";
import { SluiceError } from "../wire/errors.ts";

/**
 * One setting: the variable that sets it, how its text is read, and what the documentation says of it.
 *
 * `T` is the value as the program sees it; text comes from the environment or from a profile.
 */
export interface Setting<T> {
  /** `SLUICE_…`, the name in the environment and in profiles. */
  readonly variable: string;
  /** Names of Prefect's that are read from the environment when `variable` is not there. */
  readonly fallbacks: readonly string[];
  /** What a user may write, for tables and messages. */
  readonly kind: string;
  /** The default, as a function of the home directory because some paths lie inside it. */
  readonly defaultFor: (home: string) => T;
  readonly description: string;
  /** True when the value must never be shown. */
  readonly secret: boolean;
  /** Reads the text; throws an `Error` whose message says what was expected. */
  readonly parse: (text: string) => T;
}

/** The parts of a setting that have defaults of their own. */
export interface SettingExtras {
  readonly fallbacks?: readonly string[];
  readonly secret?: boolean;
}

function declare<T>(
  base: Pick<Setting<T>, "variable" | "kind" | "parse" | "defaultFor" | "description">,
  extras: SettingExtras = {},
): Setting<T> {
  return { fallbacks: [], secret: false, ...base, ...extras };
}

interface SettingText<T> {
  readonly default: T;
  readonly description: string;
}

/** Declares a setting of free text; an empty text means "not set", null. */
export function textSetting(
  variable: string,
  about: Pick<SettingText<null>, "description">,
  extras?: SettingExtras,
): Setting<string | null> {
  const parse = (text: string): string | null => (text === "" ? null : text);
  return declare({ variable, kind: "text", parse, defaultFor: () => null, ...about }, extras);
}

/** Declares a setting that holds an http or https address; empty means "none", null. A slash at the end is removed. */
export function urlSetting(
  variable: string,
  about: Pick<SettingText<null>, "description">,
  extras?: SettingExtras,
): Setting<string | null> {
  const parse = (text: string): string | null => {
    if (text === "") return null;
    if (!URL.canParse(text) || !/^https?:\/\//i.test(text))
      throw new Error("an address such as http://127.0.0.1:4200/api");
    return text.replace(/\/+$/, "");
  };
  return declare({ variable, kind: "http(s) address", parse, defaultFor: () => null, ...about }, extras);
}

/** Declares a setting that holds a path: `~` is the user's home, a relative path counts from the working directory. */
export function pathSetting(
  variable: string,
  about: { readonly description: string; readonly defaultFor: (home: string) => string },
): Setting<string> {
  const parse = (text: string): string => {
    if (text === "" || text.includes("\0")) throw new Error("a path");
    return expandPath(text);
  };
  return declare({ variable, kind: "path", parse, ...about });
}

/** Declares a setting that is on or off. */
export function flagSetting(variable: string, about: SettingText<boolean>): Setting<boolean> {
  const parse = (text: string): boolean => {
    const lower = text.toLowerCase();
    if (["1", "true", "yes", "on"].includes(lower)) return true;
    if (["0", "false", "no", "off"].includes(lower)) return false;
    throw new Error("true or false");
  };
  return declare({
    variable,
    kind: "true or false",
    parse,
    defaultFor: () => about.default,
    description: about.description,
  });
}

/** Declares a setting that is a number from `min` to `max`. */
export function numberSetting(
  variable: string,
  about: SettingText<number> & { readonly min: number; readonly max: number; readonly integer?: boolean },
): Setting<number> {
  const kind = `${about.integer === true ? "whole number" : "number"} from ${String(about.min)} to ${String(about.max)}`;
  const parse = (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    const wrongForm = !Number.isFinite(value) || (about.integer === true && !Number.isInteger(value));
    if (wrongForm || value < about.min || value > about.max) throw new Error(`a ${kind}`);
    return value;
  };
  return declare({ variable, kind, parse, defaultFor: () => about.default, description: about.description });
}

/** Declares a setting that is one of some words, in any case. */
export function choiceSetting<const W extends string>(
  variable: string,
  words: readonly W[],
  about: SettingText<NoInfer<W>>,
): Setting<W> {
  const parse = (text: string): W => {
    const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
    if (found === undefined) throw new Error(`one of ${words.join(", ")}`);
    return found;
  };
  return declare({
    variable,
    kind: words.join(" | "),
    parse,
    defaultFor: () => about.default,
    description: about.description,
  });
}

/** Declares a setting that is a list of texts separated by commas, empty by default. */
export function listSetting(variable: string, about: { readonly description: string }): Setting<readonly string[]> {
  const parse = (text: string): readonly string[] =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  return declare<readonly string[]>({ variable, kind: "comma list", parse, defaultFor: () => [], ...about });
}

/** Makes a path absolute; `~` and `~/…` mean the user's home. */
export function expandPath(text: string): string {
  if (text === "~") return homedir();
  return resolve(text.startsWith("~/") ? `${homedir()}${text.slice(1)}` : text);
}

/** Reads one text as `setting` does. @throws SluiceError `SLUICE_OPTION_INVALID` naming the variable and where it came from */
export function parseSetting<T>(
  setting: Setting<T>,
  text: string,
  from: { readonly name: string; readonly source: string },
): T {
  try {
    return setting.parse(text);
  } catch (error) {
    const expected = error instanceof Error ? error.message : String(error);
    const got = setting.secret ? "something else" : JSON.stringify(text);
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `${from.name} (from ${from.source}) must be ${expected}; got ${got}.`,
      {
        cause: error,
      },
    );
  }
}
