import { summarise } from "../client/live/run-summary.ts";
import { summaryLines } from "../client/live/summary-lines.ts";
import { treeLines } from "../client/live/tree-lines.ts";
import { printable } from "../client/live/text-width.ts";
import type { ApiCalls, FlowRunRow, StateRow } from "./api-calls.ts";
import { withApi } from "./connection.ts";
import { findFlowRun } from "./find-run.ts";
import { type OutputFormat, outputStyle, printJson, printLines } from "./output.ts";
import { errorLines, headLines, section, stateLines, valueLines } from "./run-details.ts";
import { readResult } from "./run-result.ts";

// The tree of a run with thousands of subflows is folded to this many lines.
const TREE_ROWS = 60;
const WIDTH_OF_FILE = 160;

/** Shows one flow run: its head, tree, states, parameters, result and error; as JSON the REST object with its `result` and `states`. */
export async function inspectFlowRun(id: string, output: OutputFormat): Promise<void> {
  await withApi(async (api, settings) => {
    const run = await findFlowRun(api, id);
    const states = await api.readStates("flow", run.id);
    const result = await readResult(run.state, settings);
    if (output === "json") return printJson({ ...run, states, result: result.value });
    printLines(
      await inspectLines(api, run, { states, resultLines: result.isThere ? valueLines(result.value) : [result.why] }),
    );
  });
}

async function inspectLines(
  api: ApiCalls,
  run: FlowRunRow,
  shown: { readonly states: readonly StateRow[]; readonly resultLines: readonly string[] },
): Promise<string[]> {
  const style = outputStyle();
  const [flow, tree, logs, parent] = await Promise.all([
    api.filterFlows({ flows: { id: { any_: [run.flow_id] } }, limit: 1 }),
    api.readTree(run.id),
    api.filterLogs({
      logs: { flow_run_id: { any_: [run.id] }, level: { ge_: 40 } },
      sort: "TIMESTAMP_ASC",
      limit: 200,
    }),
    run.parent_task_run_id === null ? undefined : api.readTaskRun(run.parent_task_run_id),
  ]);
  const entrypoint = typeof run["entrypoint"] === "string" ? run["entrypoint"] : "";
  const head = headLines(style, run, [
    ["flow", printable(flow[0]?.name ?? "")],
    ["entrypoint", printable(entrypoint)],
    ["parent", parent?.flow_run_id ?? ""],
  ]);
  const columns = process.stdout.isTTY ? process.stdout.columns : WIDTH_OF_FILE;
  const below = tree && (tree.root.tasks.length > 0 || tree.root.flow_runs.length > 0) ? tree : undefined;
  return [
    ...head,
    ...section(style, "Tree", below ? treeLines(below, { rows: TREE_ROWS, columns: columns - 2, style }) : []),
    ...section(
      style,
      "Summary",
      below
        ? summaryLines(summarise(below), style)
            .slice(1, -1)
            .map((line) => line.slice(2))
        : [],
    ),
    ...section(style, "States", stateLines(style, shown.states)),
    ...section(style, "Parameters", Object.keys(run.parameters).length > 0 ? valueLines(run.parameters) : []),
    ...section(
      style,
      "Error",
      run.state_type === "COMPLETED" ? [] : errorLines(logs.filter((row) => row.task_run_id === null)),
    ),
    ...section(style, "Result", run.state_type === "COMPLETED" ? shown.resultLines : []),
  ];
}
