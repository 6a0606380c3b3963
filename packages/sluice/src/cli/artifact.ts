import { type Command, Option } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { ApiCalls } from "./api-calls.ts";
import { RefusedError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const DEFAULT_LIMIT = 20;
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

interface ArtifactRow {
  readonly id: string;
  readonly key: string | null;
  readonly type: string | null;
  readonly description: string | null;
  readonly data: unknown;
  readonly flow_run_id: string | null;
  readonly updated: string;
}

/** Adds `artifact ls | inspect | create | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List artifacts: the latest of each key, or all"))
    .option("--all", "Every version, and artifacts without a key")
    .option("--limit <n>", "At most so many, newest first", readLimit, DEFAULT_LIMIT)
    .action((options: LsOptions) => list(options));
  withOutput(command.command("inspect").summary("Show an artifact with its data"))
    .argument("<artifact>", "Key (its latest version) or id")
    .action((artifact: string, { output }: { output: OutputFormat }) => inspect(artifact, output));
  command
    .command("create")
    .summary("Make an artifact, as the newest version of its key")
    .argument("<key>", "Small letters, digits and dashes")
    .addOption(
      new Option("--type <type>", "Type").choices(["markdown", "table", "progress", "image"]).default("markdown"),
    )
    .requiredOption("--data <data>", "Text of a markdown artifact, else JSON")
    .option("--description <text>", "What it is")
    .action((key: string, options: CreateOptions) => create(key, options));
  command
    .command("delete")
    .summary("Delete artifacts: all versions of a key, or one by its id")
    .argument("<artifact...>", "Keys or ids")
    .action((artifacts: readonly string[]) => remove(artifacts));
}

interface LsOptions {
  readonly all?: boolean;
  readonly limit: number;
  readonly output: OutputFormat;
}

interface CreateOptions {
  readonly type: string;
  readonly data: string;
  readonly description?: string;
}

async function list({ all, limit, output }: LsOptions): Promise<void> {
  await withApi(async (api) => {
    const path = all === true ? "/artifacts/filter" : "/artifacts/latest/filter";
    const read = (body: unknown): Promise<readonly ArtifactRow[]> => api.call("POST", path, body);
    const rows = await readPages(read, { sort: "UPDATED_DESC" }, limit);
    if (output === "json") return printJson(rows);
    printTable<ArtifactRow>(
      [
        { title: "ID", cell: (row) => row.id },
        { title: "KEY", cell: (row) => printable(row.key ?? ""), flexible: true },
        { title: "TYPE", cell: (row) => row.type ?? "" },
        { title: "DESCRIPTION", cell: (row) => printable(row.description ?? ""), flexible: true },
        { title: "UPDATED", cell: (row) => localTime(row.updated) },
      ],
      rows,
      "no artifacts",
    );
  });
}

async function inspect(text: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const row = ID.test(text)
      ? await api.find<ArtifactRow>(`/artifacts/${text}`)
      : await api.find<ArtifactRow>(`/artifacts/${encodeURIComponent(text)}/latest`);
    if (!row) throw notFound(text);
    if (output === "json") return printJson(row);
    printLines([
      `key          ${row.key ?? ""}`,
      `type         ${row.type ?? ""}`,
      `description  ${row.description ?? ""}`,
      `flow run     ${row.flow_run_id ?? ""}`,
      `updated      ${localTime(row.updated)}`,
      "",
      typeof row.data === "string" ? row.data : JSON.stringify(row.data, null, 2),
    ]);
  });
}

async function create(key: string, options: CreateOptions): Promise<void> {
  const { type, data, description } = options;
  await withApi(async (api) => {
    const body = { key, type, data: readData(type, data), ...(description === undefined ? {} : { description }) };
    const made: ArtifactRow = await api.call("POST", "/artifacts/", body);
    printLines([`Made the artifact ${key} (${made.id}).`]);
  });
}

function readData(type: string, text: string): unknown {
  if (type === "markdown") return text;
  try {
    JSON.parse(text);
  } catch {
    throw new RefusedError(`the data of a ${type} artifact is JSON; got ${text.slice(0, 40)}.`);
  }
  // A table is kept as text, as clients send it; the others are values.
  return type === "table" ? text : JSON.parse(text);
}

async function remove(artifacts: readonly string[]): Promise<void> {
  await withApi(async (api) => {
    for (const text of artifacts) {
      const ids = ID.test(text) ? [text] : await idsOf(api, text);
      if (ids.length === 0) throw notFound(text);
      for (const id of ids) await api.call("DELETE", `/artifacts/${id}`);
      printLines([`Deleted ${text}${ids.length > 1 ? ` with its ${ids.length} versions` : ""}.`]);
    }
  });
}

async function idsOf(api: ApiCalls, key: string): Promise<string[]> {
  const read = (body: unknown): Promise<readonly ArtifactRow[]> => api.call("POST", "/artifacts/filter", body);
  const rows = await readPages(read, { artifacts: { key: { any_: [key] } } }, Number.MAX_SAFE_INTEGER);
  return rows.map(({ id }) => id);
}

function notFound(text: string): RefusedError {
  return new RefusedError(`there is no artifact "${text}"; \`sluice artifact ls\` lists them.`);
}
