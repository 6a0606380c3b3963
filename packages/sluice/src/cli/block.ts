import { type Command, InvalidArgumentError } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { ApiCalls } from "./api-calls.ts";
import { RefusedError, UsageError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const DEFAULT_LIMIT = 200;
const BLOCK = "A block as <type slug>/<name>";

interface BlockTypeRow {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly description: string | null;
}

interface BlockRow {
  readonly id: string;
  readonly name: string;
  readonly block_type: BlockTypeRow;
  readonly data: Readonly<Record<string, unknown>>;
  readonly updated: string;
}

/** Adds `block ls | inspect | create | delete` and `block type ls | inspect | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List blocks"))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => list(options.limit, options.output));
  withOutput(command.command("inspect").summary("Show a block; its secrets stay hidden"))
    .argument("<block>", BLOCK)
    .action((block: string, { output }: { output: OutputFormat }) => inspect(block, output));
  command
    .command("create")
    .summary("Make a block of a type")
    .argument("<block>", BLOCK)
    .requiredOption("--data <json>", "The values of the block as a JSON object", readObject)
    .action((block: string, { data }: { data: object }) => create(block, data));
  command
    .command("delete")
    .summary("Delete blocks")
    .argument("<block...>", BLOCK)
    .action((blocks: readonly string[]) => remove(blocks));
  const type = command.command("type").summary("List, inspect and delete block types").description("Block types.");
  withOutput(type.command("ls").description("List block types."))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => listTypes(options.limit, options.output));
  withOutput(type.command("inspect").description("Show a block type with the values that its blocks hold."))
    .argument("<slug>", "Slug of the type")
    .action((slug: string, { output }: { output: OutputFormat }) => inspectType(slug, output));
  type
    .command("delete")
    .description("Delete a block type with its blocks.")
    .argument("<slug>", "Slug of the type")
    .action((slug: string) => removeType(slug));
}

function readObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below, as anything that is no object.
  }
  throw new InvalidArgumentError("It must be a JSON object.");
}

async function list(limit: number, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const read = (body: unknown): Promise<readonly BlockRow[]> => api.call("POST", "/block_documents/filter", body);
    const rows = await readPages(read, { sort: "BLOCK_TYPE_AND_NAME_ASC" }, limit);
    if (output === "json") return printJson(rows);
    printTable<BlockRow>(
      [
        { title: "ID", cell: (row) => row.id },
        { title: "TYPE", cell: (row) => printable(row.block_type.slug), flexible: true },
        { title: "NAME", cell: (row) => printable(row.name), flexible: true },
        { title: "UPDATED", cell: (row) => localTime(row.updated) },
      ],
      rows,
      "no blocks",
    );
  });
}

async function inspect(text: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const row = await findBlock(api, text);
    if (output === "json") return printJson(row);
    const values = Object.entries(row.data).map(([name, value]) => `  ${name}  ${JSON.stringify(value)}`);
    printLines([`block  ${text}`, `id     ${row.id}`, `values`, ...values]);
  });
}

async function create(text: string, data: object): Promise<void> {
  const [slug, name] = partsOf(text);
  await withApi(async (api) => {
    const type = await findType(api, slug);
    const schemas: readonly { readonly id: string }[] = await api.call("POST", "/block_schemas/filter", {
      block_schemas: { block_type_id: { any_: [type.id] } },
      limit: 1,
    });
    const [schema] = schemas;
    if (!schema) throw new RefusedError(`the block type "${slug}" has no schema: register it from its code first.`);
    const body = { name, data, block_type_id: type.id, block_schema_id: schema.id };
    const made: BlockRow = await api.call("POST", "/block_documents/", body);
    printLines([`Made the block ${text} (${made.id}).`]);
  });
}

async function remove(blocks: readonly string[]): Promise<void> {
  await withApi(async (api) => {
    for (const text of blocks) {
      const row = await findBlock(api, text);
      await api.call("DELETE", `/block_documents/${row.id}`);
      printLines([`Deleted ${text} (${row.id}).`]);
    }
  });
}

async function listTypes(limit: number, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const read = (body: unknown): Promise<readonly BlockTypeRow[]> => api.call("POST", "/block_types/filter", body);
    const rows = await readPages(read, {}, limit);
    if (output === "json") return printJson(rows);
    printTable<BlockTypeRow>(
      [
        { title: "SLUG", cell: (row) => row.slug },
        { title: "NAME", cell: (row) => printable(row.name), flexible: true },
        { title: "DESCRIPTION", cell: (row) => printable(row.description ?? ""), flexible: true },
      ],
      rows,
      "no block types",
    );
  });
}

async function inspectType(slug: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const type = await findType(api, slug);
    const schemas: readonly { readonly fields: Readonly<Record<string, unknown>> }[] = await api.call(
      "POST",
      "/block_schemas/filter",
      { block_schemas: { block_type_id: { any_: [type.id] } }, limit: 1 },
    );
    const fields = schemas[0]?.fields ?? {};
    if (output === "json") return printJson({ ...type, fields });
    const properties = Object.keys(fields["properties"] ?? {});
    printLines([
      `slug         ${type.slug}`,
      `name         ${type.name}`,
      `description  ${type.description ?? ""}`,
      `values       ${properties.join(", ")}`,
      `id           ${type.id}`,
    ]);
  });
}

async function removeType(slug: string): Promise<void> {
  await withApi(async (api) => {
    const type = await findType(api, slug);
    await api.call("DELETE", `/block_types/${type.id}`);
    printLines([`Deleted the block type ${slug} with its blocks.`]);
  });
}

function partsOf(text: string): [slug: string, name: string] {
  const [slug = "", name = "", ...more] = text.split("/");
  if (slug === "" || name === "" || more.length > 0)
    throw new UsageError(`a block is named <type slug>/<name>, as secret/api-key; got "${text}".`);
  return [slug, name];
}

async function findBlock(api: ApiCalls, text: string): Promise<BlockRow> {
  const [slug, name] = partsOf(text);
  const path = `/block_types/slug/${encodeURIComponent(slug)}/block_documents/name/${encodeURIComponent(name)}`;
  const row = await api.find<BlockRow>(path);
  if (row) return row;
  throw new RefusedError(`there is no block "${text}"; \`sluice block ls\` lists them.`);
}

async function findType(api: ApiCalls, slug: string): Promise<BlockTypeRow> {
  const type = await api.find<BlockTypeRow>(`/block_types/slug/${encodeURIComponent(slug)}`);
  if (type) return type;
  throw new RefusedError(`there is no block type "${slug}"; \`sluice block type ls\` lists them.`);
}
