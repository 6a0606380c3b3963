import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { TaskRunRow } from "./api-calls.ts";
import { withApi } from "./connection.ts";
import { findFlowRun, findTaskRun } from "./find-run.ts";
import { type OutputFormat, outputStyle, printJson, printTable, withOutput } from "./output.ts";
import { stateColumns } from "./run-columns.ts";
import { type ListOptions, readPages, withRunFilters } from "./run-filters.ts";

interface LsOptions extends ListOptions {
  readonly flowRun?: string;
  readonly output: OutputFormat;
}

/** Adds `task-run ls | inspect`. */
export function define(command: Command): void {
  withOutput(withRunFilters(command.command("ls").summary("List task runs, newest first")))
    .option("--flow-run <id>", "Only task runs of this flow run")
    .action((options: LsOptions) => list(options));
  withOutput(command.command("inspect").summary("Show a task run: states, inputs, result, error"))
    .argument("<id>", "Full id, the beginning of one, or the run's name")
    .action(async (id: string, { output }: { output: OutputFormat }) => {
      const { inspectTaskRun } = await import("./task-run-inspect.ts");
      await withApi(async (api, settings) =>
        inspectTaskRun({ api, settings, run: await findTaskRun(api, id), output }),
      );
    });
}

async function list(options: LsOptions): Promise<void> {
  await withApi(async (api) => {
    const flowRun = options.flowRun === undefined ? undefined : await findFlowRun(api, options.flowRun);
    const body = {
      sort: "EXPECTED_START_TIME_DESC",
      ...(options.state ? { task_runs: { state: { type: { any_: options.state } } } } : {}),
      ...(flowRun ? { flow_runs: { id: { any_: [flowRun.id] } } } : {}),
    };
    const runs = await readPages((page) => api.filterTaskRuns(page), body, options.limit);
    if (options.output === "json") return printJson(runs);
    printTable<TaskRunRow>(
      [
        { title: "ID", cell: (run) => run.id },
        { title: "NAME", cell: (run) => printable(run.name), flexible: true },
        ...stateColumns(outputStyle(), Date.now()),
      ],
      runs,
      "no task runs",
    );
  });
}
