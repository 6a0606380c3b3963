import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { ConcurrencyLimit, GlobalConcurrencyLimitResponse } from "../wire/contract/shapes.ts";
import { withApi } from "./connection.ts";
import { printFacts } from "./facts.ts";
import { readCount } from "./numbers.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const TAG = "Tag of the task runs";
/** What the name of a tag's limit begins with. */
const PREFIX = "tag:";
const DEFAULT_LIMIT = 200;

/** Adds `concurrency-limit ls | inspect | create | reset | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List the limits of tags"))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => list(options.limit, options.output));
  withOutput(command.command("inspect").summary("Show the limit of a tag, with the task runs that hold its slots"))
    .argument("<tag>", TAG)
    .action((tag: string, { output }: { output: OutputFormat }) => inspect(tag, output));
  withOutput(command.command("create").summary("Limit a tag, or change its limit"))
    .argument("<tag>", TAG)
    .argument("<limit>", "Task runs at once", readCount)
    .action((tag: string, limit: number, { output }: { output: OutputFormat }) => create(tag, limit, output));
  command
    .command("reset")
    .summary("Free all slots of a tag")
    .argument("<tag>", TAG)
    .action((tag: string) => change(["POST", `${pathOf(tag)}/reset`], `Freed the slots of ${printable(tag)}.`));
  command
    .command("delete")
    .summary("Delete the limit of a tag")
    .argument("<tag>", TAG)
    .action((tag: string) => change(["DELETE", pathOf(tag)], `Deleted the limit of ${printable(tag)}.`));
}

const pathOf = (tag: string): string => `/concurrency_limits/tag/${encodeURIComponent(tag)}`;

async function list(limit: number, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    // Among the limits of all kinds: the pages of the tags' own route are not whole.
    const all = await readPages(
      (body) => api.call<readonly GlobalConcurrencyLimitResponse[]>("POST", "/v2/concurrency_limits/filter", body),
      {},
      Infinity,
    );
    const limits = all.filter(({ name }) => name.startsWith(PREFIX)).slice(0, limit);
    if (output === "json") return printJson(limits);
    printTable<GlobalConcurrencyLimitResponse>(
      [
        { title: "TAG", cell: (row) => printable(row.name.slice(PREFIX.length)), flexible: true },
        { title: "ID", cell: (row) => row.id },
        { title: "LIMIT", cell: (row) => String(row.limit), align: "right" },
        { title: "ACTIVE", cell: (row) => String(row.active_slots), align: "right" },
      ],
      limits,
      "no concurrency limits",
    );
  });
}

async function inspect(tag: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const limit = await api.call<ConcurrencyLimit>("GET", pathOf(tag));
    if (output === "json") return printJson(limit);
    const holders = limit.active_slots ?? [];
    printFacts(limit.tag, [
      ["id", limit.id],
      ["limit", `${holders.length} of ${limit.concurrency_limit} task runs at once`],
      ["held by", holders.join(", ")],
      ["created", localTime(limit.created)],
    ]);
  });
}

async function create(tag: string, limit: number, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const made = await api.call<ConcurrencyLimit>("POST", "/concurrency_limits/", { tag, concurrency_limit: limit });
    if (output === "json") return printJson(made);
    printLines([`Task runs of the tag ${printable(tag)}: at most ${limit} at once (${made.id}).`]);
  });
}

async function change([method, path]: readonly ["POST" | "DELETE", string], done: string): Promise<void> {
  await withApi(async (api) => {
    await api.call(method, path, method === "POST" ? {} : undefined);
    printLines([done]);
  });
}
