import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { ApiCalls } from "./api-calls.ts";
import { RefusedError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const DEFAULT_LIMIT = 200;

interface VariableRow {
  readonly id: string;
  readonly name: string;
  readonly value: unknown;
  readonly tags: readonly string[];
  readonly created: string;
  readonly updated: string;
}

/** Adds `variable ls | inspect | get | set (create) | unset (delete)`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List variables by name"))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => list(options.limit, options.output));
  withOutput(command.command("inspect").summary("Show a variable with its tags and times"))
    .argument("<name>", "Name of the variable")
    .action((name: string, { output }: { output: OutputFormat }) => inspect(name, output));
  command
    .command("get")
    .summary("Print the value of a variable as JSON")
    .argument("<name>", "Name of the variable")
    .action((name: string) => withApi(async (api) => printJson((await findVariable(api, name)).value)));
  command
    .command("set")
    .alias("create")
    .summary("Set a variable to a value: JSON, else text")
    .argument("<name>", "Small letters, digits and underscores")
    .argument("<value>", "JSON; what is no JSON is taken as text")
    .option("--tag <tag...>", "Tags of the variable")
    .option("--overwrite", "Change a variable that is there")
    .action((name: string, value: string, options: SetOptions) => set(name, value, options));
  command
    .command("unset")
    .alias("delete")
    .summary("Delete variables")
    .argument("<name...>", "Names of the variables")
    .action((names: readonly string[]) => unset(names));
}

interface SetOptions {
  readonly tag?: readonly string[];
  readonly overwrite?: boolean;
}

async function list(limit: number, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const read = (body: unknown): Promise<readonly VariableRow[]> => api.call("POST", "/variables/filter", body);
    const rows = await readPages(read, { sort: "NAME_ASC" }, limit);
    if (output === "json") return printJson(rows);
    printTable<VariableRow>(
      [
        { title: "NAME", cell: (row) => printable(row.name) },
        { title: "VALUE", cell: (row) => printable(JSON.stringify(row.value)), flexible: true },
        { title: "TAGS", cell: (row) => printable(row.tags.join(",")), flexible: true },
        { title: "UPDATED", cell: (row) => localTime(row.updated) },
      ],
      rows,
      "no variables",
    );
  });
}

async function inspect(name: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const row = await findVariable(api, name);
    if (output === "json") return printJson(row);
    printLines([
      `name     ${row.name}`,
      `value    ${JSON.stringify(row.value)}`,
      `tags     ${row.tags.join(", ")}`,
      `created  ${localTime(row.created)}`,
      `updated  ${localTime(row.updated)}`,
      `id       ${row.id}`,
    ]);
  });
}

async function set(name: string, text: string, options: SetOptions): Promise<void> {
  await withApi(async (api) => {
    const value = readValue(text);
    const known = await api.find<VariableRow>(`/variables/name/${encodeURIComponent(name)}`);
    if (known && options.overwrite !== true)
      throw new RefusedError(`the variable "${name}" is there already; --overwrite changes it.`);
    const body = { name, value, ...(options.tag ? { tags: options.tag } : {}) };
    if (known) await api.call("PATCH", `/variables/name/${encodeURIComponent(name)}`, body);
    else await api.call("POST", "/variables/", body);
    printLines([`${known ? "Changed" : "Set"} ${name} to ${JSON.stringify(value)}.`]);
  });
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // Documented: what is no JSON is text.
  }
}

async function unset(names: readonly string[]): Promise<void> {
  await withApi(async (api) => {
    for (const name of names) {
      await findVariable(api, name);
      await api.call("DELETE", `/variables/name/${encodeURIComponent(name)}`);
      printLines([`Deleted ${name}.`]);
    }
  });
}

async function findVariable(api: ApiCalls, name: string): Promise<VariableRow> {
  const row = await api.find<VariableRow>(`/variables/name/${encodeURIComponent(name)}`);
  if (row) return row;
  throw new RefusedError(`there is no variable "${name}"; \`sluice variable ls\` lists them.`);
}
