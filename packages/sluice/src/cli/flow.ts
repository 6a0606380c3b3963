import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { FlowRow } from "./api-calls.ts";
import { withApi } from "./connection.ts";
import { localTime, type OutputFormat, printJson, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const DEFAULT_LIMIT = 200;

/** Adds `flow ls`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List the flows that have run"))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => list(options.limit, options.output));
}

async function list(limit: number, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const flows = await readPages((page) => api.filterFlows(page), { sort: "NAME_ASC" }, limit);
    if (output === "json") return printJson(flows);
    printTable<FlowRow>(
      [
        { title: "ID", cell: (flow) => flow.id },
        { title: "NAME", cell: (flow) => printable(flow.name), flexible: true },
        { title: "CREATED", cell: (flow) => localTime(flow.created) },
      ],
      flows,
      "no flows",
    );
  });
}
