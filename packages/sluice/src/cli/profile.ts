import type { Command } from "commander";
import { type ProfileValues, type Profiles, profilesFile, readProfiles, writeProfiles } from "../client/profiles.ts";
import { homeOf } from "../client/settings.ts";
import { RefusedError, UsageError } from "./command-error.ts";
import { type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";

const DEFAULT_PROFILE = "default";

/** Adds `profile ls | use | create | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List profiles")).action((options: { output: OutputFormat }) =>
    list(options),
  );
  command
    .command("use")
    .summary("Make a profile the active one")
    .argument("<name>")
    .action((name: string) => {
      change((profiles) => profiles.activate(name));
      printLines([`Profile "${name}" is active.`]);
    });
  command
    .command("create")
    .summary("Create a profile")
    .argument("<name>")
    .option("--from <profile>", "Copy the settings of another profile")
    .action((name: string, options: { from?: string }) => create(name, options.from));
  command
    .command("delete")
    .summary("Delete a profile")
    .argument("<name>")
    .action((name: string) => remove(name));
}

interface ProfileRow {
  readonly name: string;
  readonly active: boolean;
  readonly settings: number;
}

function list({ output }: { readonly output: OutputFormat }): void {
  const profiles = readProfiles(profilesFile(homeOf()));
  const active = profiles.select(process.env["SLUICE_PROFILE"]).name;
  const names = new Set([DEFAULT_PROFILE, ...profiles.profiles.keys()]);
  const rows = Array.from(names, (name): ProfileRow => {
    const values: ProfileValues = profiles.profiles.get(name) ?? {};
    return { name, active: name === active, settings: Object.keys(values).length };
  });
  if (output === "json") return printJson(rows);
  printTable(
    [
      { title: "", cell: (row: ProfileRow) => (row.active ? "*" : "") },
      { title: "PROFILE", cell: (row) => row.name },
      { title: "SETTINGS", cell: (row) => String(row.settings), align: "right" },
    ],
    rows,
    "no profiles",
  );
}

function create(name: string, from: string | undefined): void {
  if (!/^[\w.-]+$/.test(name))
    throw new UsageError(`a profile's name is made of letters, digits, "_", "-" and ".", got "${name}".`);
  change((profiles) => {
    if (profiles.profiles.has(name)) throw new RefusedError(`there is a profile "${name}" already.`);
    return profiles.with(name, from === undefined ? {} : profiles.select(from).values);
  });
  printLines([`Created profile "${name}"; \`sluice profile use ${name}\` makes it the active one.`]);
}

function remove(name: string): void {
  change((profiles) => {
    profiles.select(name);
    return profiles.with(name, undefined);
  });
  printLines([`Deleted profile "${name}".`]);
}

function change(make: (profiles: Profiles) => Profiles): void {
  const file = profilesFile(homeOf());
  writeProfiles(file, make(readProfiles(file)));
}
