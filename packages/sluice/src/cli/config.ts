import type { Command } from "commander";
import { profilesFile, readProfiles, writeProfiles } from "../client/profiles.ts";
import { parseSetting, type Setting } from "../client/setting-kinds.ts";
import { explainSettings, findSetting, homeOf } from "../client/settings.ts";
import { UsageError } from "./command-error.ts";
import { type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";

const HIDDEN = "********";

/** Adds `config view | set | unset`. */
export function define(command: Command): void {
  withOutput(command.command("view").summary("Show every setting with where its value comes from"))
    .option("--show-secrets", "Show the values of secrets")
    .action((options: { output: OutputFormat; showSecrets?: boolean }) => view(options));
  command
    .command("set")
    .summary("Write settings to the active profile")
    .argument("<assignment...>", "SLUICE_NAME=value")
    .action((assignments: readonly string[]) => set(assignments));
  command
    .command("unset")
    .summary("Remove settings from the active profile")
    .argument("<name...>", "SLUICE_NAME")
    .action((names: readonly string[]) => unset(names));
}

interface SettingRow {
  readonly name: string;
  readonly value: unknown;
  readonly source: string;
  readonly description: string;
}

function view(options: { readonly output: OutputFormat; readonly showSecrets?: boolean }): void {
  const rows = explainSettings().map(({ setting, value, origin }): SettingRow => {
    const isHidden = setting.secret && value !== null && options.showSecrets !== true;
    const source = origin.source === "default" ? "default" : `${origin.source} ${origin.name}`;
    return { name: setting.variable, value: isHidden ? HIDDEN : value, source, description: setting.description };
  });
  if (options.output === "json") return printJson(rows);
  printTable(
    [
      { title: "SETTING", cell: (row: SettingRow) => row.name },
      { title: "VALUE", cell: (row) => valueText(row.value), flexible: true },
      { title: "FROM", cell: (row) => row.source },
    ],
    rows,
    "no settings",
  );
}

function valueText(value: unknown): string {
  if (value === null) return "";
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function set(assignments: readonly string[]): void {
  const values = assignments.map((assignment): readonly [Setting<unknown>, string] => {
    const at = assignment.indexOf("=");
    if (at < 1) throw new UsageError(`config set takes SLUICE_NAME=value, got "${assignment}".`);
    const setting = knownSetting(assignment.slice(0, at));
    const text = assignment.slice(at + 1);
    parseSetting(setting, text, { name: setting.variable, source: "the command line" });
    return [setting, text];
  });
  const name = changeProfile((before) => ({
    ...before,
    ...Object.fromEntries(values.map(([setting, text]) => [setting.variable, text])),
  }));
  printLines(values.map(([setting]) => `Set ${setting.variable} in profile "${name}".${shadowText(setting.variable)}`));
}

function unset(names: readonly string[]): void {
  const settings = names.map((name) => knownSetting(name));
  const gone = new Set(settings.map((setting) => setting.variable));
  const name = changeProfile((before) => Object.fromEntries(Object.entries(before).filter(([key]) => !gone.has(key))));
  printLines(
    settings.map((setting) => `Unset ${setting.variable} in profile "${name}".${shadowText(setting.variable)}`),
  );
}

function knownSetting(variable: string): Setting<unknown> {
  const setting = findSetting(variable);
  if (!setting) {
    throw new UsageError(`there is no setting "${variable}"; \`sluice config view\` lists them all.`);
  }
  if (variable === "SLUICE_HOME" || variable === "SLUICE_PROFILE") {
    throw new UsageError(`${variable} says where profiles are, so it cannot stand in one: set it in the environment.`);
  }
  return setting;
}

/** Rewrites the values of the active profile (the one that SLUICE_PROFILE asks for, where it does) and returns its name. */
function changeProfile(change: (before: Readonly<Record<string, string>>) => Readonly<Record<string, string>>): string {
  const file = profilesFile(homeOf());
  const profiles = readProfiles(file);
  const { name, values } = profiles.select(process.env["SLUICE_PROFILE"]);
  writeProfiles(file, profiles.with(name, change(values)));
  return name;
}

function shadowText(variable: string): string {
  return process.env[variable] === undefined ? "" : ` The environment has ${variable} too, and it counts for more.`;
}
