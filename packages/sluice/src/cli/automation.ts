import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { Automation } from "../wire/contract/shapes.ts";
import type { ApiCalls } from "./api-calls.ts";
import { RefusedError, UsageError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { printFacts } from "./facts.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const NAME = "Name or id of the automation";
const DEFAULT_LIMIT = 200;

/** Adds `automation ls | inspect | create | enable (resume) | disable (pause) | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List automations"))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => list(options));
  withOutput(command.command("inspect").summary("Show an automation"))
    .argument("<name>", NAME)
    .action((name: string, { output }: { output: OutputFormat }) => inspect(name, output));
  command
    .command("create")
    .summary("Make automations from a file of JSON")
    .requiredOption("--from-file <file>", "One automation, or a list of them, as the REST API takes them")
    .action(({ fromFile }: { fromFile: string }) => create(fromFile));
  command
    .command("enable")
    .alias("resume")
    .summary("Let automations act")
    .argument("<name...>", NAME)
    .action((names: readonly string[]) => change(names, true));
  command
    .command("disable")
    .alias("pause")
    .summary("Let automations rest")
    .argument("<name...>", NAME)
    .action((names: readonly string[]) => change(names, false));
  command
    .command("delete")
    .summary("Delete automations")
    .argument("<name...>", NAME)
    .action((names: readonly string[]) => remove(names));
}

async function list({ limit, output }: { readonly limit: number; readonly output: OutputFormat }): Promise<void> {
  await withApi(async (api) => {
    const read = (body: unknown): Promise<readonly Automation[]> => api.call("POST", "/automations/filter", body);
    const rows = await readPages(read, { sort: "NAME_ASC" }, limit);
    if (output === "json") return printJson(rows);
    printTable<Automation>(
      [
        { title: "NAME", cell: (row) => printable(row.name), flexible: true },
        { title: "ENABLED", cell: (row) => (row.enabled === false ? "no" : "yes") },
        { title: "TRIGGER", cell: (row) => triggerText(row) },
        { title: "ACTIONS", cell: (row) => actionsText(row), flexible: true },
        { title: "ID", cell: (row) => row.id },
      ],
      rows,
      "no automations",
    );
  });
}

async function inspect(name: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const row = await findAutomation(api, name);
    if (output === "json") return printJson(row);
    printFacts(row.name, [
      ["description", printable(row.description ?? "")],
      ["enabled", row.enabled === false ? "no" : "yes"],
      ["tags", printable((row.tags ?? []).join(", "))],
      ["trigger", printable(JSON.stringify(row.trigger))],
      ["actions", printable(JSON.stringify(row.actions))],
      ["created", row.created === null ? "" : localTime(row.created)],
      ["updated", row.updated === null ? "" : localTime(row.updated)],
      ["id", row.id],
    ]);
  });
}

async function create(file: string): Promise<void> {
  const given = readAutomations(file);
  await withApi(async (api) => {
    for (const body of given) {
      const made = await api.call<Automation>("POST", "/automations/", body);
      printLines([`Made the automation ${printable(made.name)} (${made.id}).`]);
    }
  });
}

function readAutomations(file: string): readonly unknown[] {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new UsageError(`cannot read the file ${file}.`);
  }
  try {
    const given: unknown = JSON.parse(text);
    return Array.isArray(given) ? given : [given];
  } catch (error) {
    throw new UsageError(`${file} holds no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function change(names: readonly string[], isEnabled: boolean): Promise<void> {
  await withApi(async (api) => {
    for (const name of names) {
      const { id, name: found } = await findAutomation(api, name);
      await api.call("PATCH", `/automations/${id}`, { enabled: isEnabled });
      printLines([`${isEnabled ? "Enabled" : "Disabled"} ${printable(found)}.`]);
    }
  });
}

async function remove(names: readonly string[]): Promise<void> {
  await withApi(async (api) => {
    for (const name of names) {
      const { id, name: found } = await findAutomation(api, name);
      await api.call("DELETE", `/automations/${id}`);
      printLines([`Deleted ${printable(found)}.`]);
    }
  });
}

async function findAutomation(api: ApiCalls, name: string): Promise<Automation> {
  const filter = (part: object): Promise<readonly Automation[]> =>
    api.call("POST", "/automations/filter", { automations: part, limit: 2 });
  const isId = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(name);
  const found = isId ? await filter({ id: { any_: [name] } }) : await filter({ name: { any_: [name] } });
  const [row] = found;
  if (!row) throw new RefusedError(`there is no automation "${name}"; "sluice automation ls" lists them.`);
  if (found.length > 1) throw new RefusedError(`several automations are named "${name}": name one by its id.`);
  return row;
}

function triggerText({ trigger }: Automation): string {
  return trigger.type === "event" || trigger.type === undefined
    ? `event ${"posture" in trigger ? trigger.posture.toLowerCase() : ""}`
    : trigger.type;
}

function actionsText({ actions }: Automation): string {
  return actions.map(({ type }) => type ?? "").join(", ");
}
