import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { FlowRunNode, RunTree } from "../wire/run-tree.ts";
import { isFinalStateType } from "../wire/state-types.ts";
import type { ApiCalls, FlowRunRow, SetStateReply } from "./api-calls.ts";
import { errorText, EXIT, RefusedError, UsageError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { findFlowRun } from "./find-run.ts";
import { type OutputFormat, outputStyle, printJson, printLines, printTable, withOutput } from "./output.ts";
import { stateColumns } from "./run-columns.ts";
import { type ListOptions, readPages, withRunFilters } from "./run-filters.ts";

const RUN = "Full id, the beginning of one, or the run's name";

interface LsOptions extends ListOptions {
  readonly flow?: string;
  readonly roots?: boolean;
  readonly output: OutputFormat;
}

/** Adds `flow-run ls | inspect | logs | cancel | delete`. */
export function define(command: Command): void {
  withOutput(withRunFilters(command.command("ls").summary("List flow runs, newest first")))
    .option("--flow <name>", "Only runs of this flow")
    .option("--roots", "Leave subflow runs out")
    .action((options: LsOptions) => list(options));
  withOutput(command.command("inspect").summary("Show a flow run: tree, states, parameters, result, error"))
    .argument("<id>", RUN)
    .action(async (id: string, { output }: { output: OutputFormat }) => {
      const { inspectFlowRun } = await import("./flow-run-inspect.ts");
      await inspectFlowRun(id, output);
    });
  withOutput(command.command("logs").summary("Print the log of a flow run, its tasks and subflows"))
    .argument("<id>", RUN)
    .option("-f, --follow", "Go on until the run is over")
    .option("--level <level>", "Lowest level shown: debug, info, warning, error, critical", "debug")
    .action(async (id: string, options: { follow?: boolean; level: string; output: OutputFormat }) => {
      const { printLogs } = await import("./flow-run-logs.ts");
      await printLogs(id, options);
    });
  command
    .command("cancel")
    .summary("Cancel flow runs with everything below them")
    .argument("<id...>", RUN)
    .action((ids: readonly string[]) => eachRun(ids, cancel));
  command
    .command("resume")
    .summary("Let a paused flow run go on")
    .argument("<id>", RUN)
    .option("--input <json>", "What the run asks for, as a JSON object", readInput)
    .action((id: string, { input }: { readonly input?: Readonly<Record<string, unknown>> }) =>
      eachRun([id], (api, run) => resume(api, run, input)),
    );
  command
    .command("delete")
    .summary("Delete flow runs with their states, task runs and logs")
    .argument("<id...>", RUN)
    .action((ids: readonly string[]) => eachRun(ids, remove));
}

async function list(options: LsOptions): Promise<void> {
  await withApi(async (api) => {
    const flowRuns = {
      ...(options.state ? { state: { type: { any_: options.state } } } : {}),
      ...(options.roots === true ? { parent_task_run_id: { is_null_: true } } : {}),
    };
    const body = {
      sort: "EXPECTED_START_TIME_DESC",
      ...(Object.keys(flowRuns).length > 0 ? { flow_runs: flowRuns } : {}),
      ...(options.flow === undefined ? {} : { flows: { name: { any_: [options.flow] } } }),
    };
    const runs = await readPages((page) => api.filterFlowRuns(page), body, options.limit);
    if (options.output === "json") return printJson(runs);
    const names = await flowNames(api, runs);
    printTable<FlowRunRow>(
      [
        { title: "ID", cell: (run) => run.id },
        { title: "FLOW", cell: (run) => printable(names.get(run.flow_id) ?? ""), flexible: true },
        { title: "NAME", cell: (run) => printable(run.name), flexible: true },
        ...stateColumns(outputStyle(), Date.now()),
      ],
      runs,
      "no flow runs",
    );
  });
}

/** The names of the flows of these runs, by flow id. */
async function flowNames(api: ApiCalls, runs: readonly FlowRunRow[]): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(runs.map((run) => run.flow_id))];
  const flows =
    ids.length === 0
      ? []
      : await readPages((page) => api.filterFlows(page), { flows: { id: { any_: ids } } }, ids.length);
  return new Map(flows.map((flow) => [flow.id, flow.name]));
}

/** Does `act` to each run in turn; one that is refused does not keep the others from it, and makes the exit code 1. */
async function eachRun(
  ids: readonly string[],
  act: (api: ApiCalls, run: FlowRunRow) => Promise<string>,
): Promise<void> {
  await withApi(async (api) => {
    for (const id of ids) {
      try {
        // One after the other, so that what is printed is in the order asked for.
        // oxlint-disable-next-line no-await-in-loop
        printLines([await act(api, await findFlowRun(api, id))]);
      } catch (error) {
        if (!(error instanceof RefusedError) || ids.length === 1) throw error;
        process.stderr.write(`${errorText(error, false)}\n`);
        process.exitCode = EXIT.failure;
      }
    }
  });
}

async function cancel(api: ApiCalls, run: FlowRunRow): Promise<string> {
  if (run.state_type !== null && isFinalStateType(run.state_type)) {
    throw new RefusedError(
      `${run.name} (${run.id}) is ${run.state_name ?? run.state_type} already; there is nothing to cancel.`,
    );
  }
  const { status, state, details } = await api.setFlowRunState(run.id, { type: "CANCELLING", name: "Cancelling" });
  const isAsked = status === "ACCEPT" || state?.type === "CANCELLED" || state?.type === "CANCELLING";
  if (!isAsked) throw new RefusedError(`${run.name} (${run.id}) cannot be cancelled: ${details.reason ?? status}.`);
  const parent = await parentOf(api, run);
  const hint = parent ? ` It is part of ${parent.name} (${parent.id}), which goes on: cancel that to end it all.` : "";
  return `${run.name} (${run.id}) is ${state?.name ?? "Cancelling"}.${hint}`;
}

async function resume(
  api: ApiCalls,
  run: FlowRunRow,
  input: Readonly<Record<string, unknown>> | undefined,
): Promise<string> {
  const body = input === undefined ? {} : { run_input: input };
  const { status, details } = await api.call<SetStateReply>("POST", `/flow_runs/${run.id}/resume`, body);
  if (status === "ACCEPT") return `${run.name} (${run.id}) goes on.`;
  throw new RefusedError(`${run.name} (${run.id}) cannot be resumed: ${details.reason ?? status}`);
}

function readInput(text: string): Readonly<Record<string, unknown>> {
  const expected = `--input expected a JSON object such as '{"approved": true}', got ${text}`;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw new UsageError(expected, { cause });
  }
  throw new UsageError(expected);
}

/** The flow run that a subflow's run was called from; undefined for a root. */
async function parentOf(api: ApiCalls, run: FlowRunRow): Promise<FlowRunRow | undefined> {
  if (run.parent_task_run_id === null) return undefined;
  const tracking = await api.readTaskRun(run.parent_task_run_id);
  return tracking?.flow_run_id ? api.readFlowRun(tracking.flow_run_id) : undefined;
}

async function remove(api: ApiCalls, run: FlowRunRow): Promise<string> {
  if (run.state_type === "RUNNING" || run.state_type === "CANCELLING") {
    throw new RefusedError(
      `${run.name} (${run.id}) is ${run.state_name ?? run.state_type}; cancel it first, then delete it.`,
    );
  }
  await api.deleteFlowRun(run.id);
  return `Deleted ${run.name} (${run.id}).`;
}

/** All flow runs of a tree, the root first. */
export function flowRunsOf(tree: RunTree): readonly FlowRunNode[] {
  const nodes: FlowRunNode[] = [];
  const visit = (node: FlowRunNode): void => {
    nodes.push(node);
    for (const child of node.flow_runs) visit(child);
  };
  visit(tree.root);
  return nodes;
}
