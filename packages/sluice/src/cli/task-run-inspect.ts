import { printable } from "../client/live/text-width.ts";
import type { Settings } from "../client/settings.ts";
import type { ApiCalls, TaskRunRow } from "./api-calls.ts";
import { type OutputFormat, outputStyle, printJson, printLines } from "./output.ts";
import { errorLines, headLines, section, stateLines, valueLines } from "./run-details.ts";
import { readResult } from "./run-result.ts";

/** Shows one task run: its head, states, inputs, result and error; as JSON the REST object with its `result` and `states`. */
export async function inspectTaskRun(options: {
  readonly api: ApiCalls;
  readonly settings: Settings;
  readonly run: TaskRunRow;
  readonly output: OutputFormat;
}): Promise<void> {
  const { api, settings, run, output } = options;
  const states = await api.readStates("task", run.id);
  const result = await readResult(run.state, settings);
  if (output === "json") return printJson({ ...run, states, result: result.value });
  const style = outputStyle();
  const logs = await api.filterLogs({
    logs: { task_run_id: { any_: [run.id] }, level: { ge_: 40 } },
    sort: "TIMESTAMP_ASC",
    limit: 200,
  });
  const isCompleted = run.state_type === "COMPLETED";
  const inputs = run["task_inputs"];
  const hasInputs = typeof inputs === "object" && inputs !== null && Object.keys(inputs).length > 0;
  printLines([
    ...headLines(style, run, [
      ["task", printable(run.task_key)],
      ["flow run", run.flow_run_id ?? ""],
    ]),
    ...section(style, "States", stateLines(style, states)),
    ...section(style, "Inputs", hasInputs ? valueLines(inputs) : []),
    ...section(style, "Error", isCompleted ? [] : errorLines(logs)),
    ...section(style, "Result", isCompleted ? (result.isThere ? valueLines(result.value) : [result.why]) : []),
  ]);
}
