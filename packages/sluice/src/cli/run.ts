import type { Command } from "commander";
import { summarise } from "../client/live/run-summary.ts";
import { progressMode } from "../client/live/progress-mode.ts";
import { showRun, type ShownRun } from "../client/live/show-run.ts";
import { paint, styleOf } from "../client/live/style.ts";
import { summaryLines } from "../client/live/summary-lines.ts";
import { printableText } from "../client/live/text-width.ts";
import { loadSettings } from "../client/settings.ts";
import { ApiCalls } from "./api-calls.ts";
import { userFrame } from "./code-place.ts";
import { EXIT, type ExitCode } from "./command-error.ts";
import { outliveReaders } from "./gone-reader.ts";
import { Interruption } from "./interruption.ts";
import { jsonText } from "./json-text.ts";
import { type OutputFormat, printJson, withOutput } from "./output.ts";
import { runParameters, splitEntrypoint } from "./run-parameters.ts";

interface RunOptions {
  readonly param?: readonly string[];
  readonly paramsJson?: string;
  readonly output: OutputFormat;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

/** Defines `run`. */
export function define(command: Command): void {
  withOutput(command)
    .argument(
      "<file:flow>",
      "File and the flow in it, by export or by flow name; the name may be left out when there is one flow",
    )
    .argument("[name=value...]", "Parameters, as with --param")
    .option(
      "-p, --param <name=value>",
      "A parameter: JSON where it parses, else text (repeat it for more)",
      collect,
      [],
    )
    .option("--params-json <object>", "Parameters as one JSON object")
    .option("-q, --quiet", "Show neither progress nor summary")
    .action(async (entrypoint: string, more: readonly string[], options: RunOptions) => {
      const code = await run(entrypoint, { ...options, param: [...(options.param ?? []), ...more] });
      // The flow is over and everything is stored: timers and sockets that its module left open do not keep the command.
      process.exit(code);
    });
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Runs the flow; tells its course on standard error and its result on standard output. */
async function run(entrypoint: string, options: RunOptions): Promise<ExitCode> {
  const settings = loadSettings();
  const target = splitEntrypoint(entrypoint);
  const parameters = runParameters({ assignments: options.param ?? [], json: options.paramsJson });
  const [{ runEntrypoint }, { closeSession, sessionHome }] = await Promise.all([
    import("../flows/run-entrypoint.ts"),
    import("../flows/session.ts"),
  ]);
  const calls = new ApiCalls({
    send: async (request, signal) => (await sessionHome(settings)).transport.send(request, signal),
  });
  const isQuiet = options.quiet === true;
  const mode = isQuiet ? "off" : progressMode(settings.progress, process.stderr, true);
  // Programs read standard output: what the flow itself prints goes beside it.
  const restoreOutput = options.output === "json" ? redirectOutput() : () => undefined;
  outliveReaders();
  const interruption = new Interruption();
  let shown: ShownRun | undefined;
  try {
    const ended = await runEntrypoint({
      file: target.file,
      exportName: target.exportName,
      parameters,
      settings: { ...settings, progress: "off" },
      onStart: (started) => {
        shown = showRun(started.id, calls, { mode });
        interruption.onFirst((how) => started.cancel(`Cancelled by ${how}.`));
      },
    });
    await shown?.stop();
    const tree = isQuiet ? undefined : await calls.readTree(ended.flowRunId);
    const style = styleOf(process.stderr, process.env);
    if (tree) writeLines(summaryLines(summarise(tree), style));
    restoreOutput();
    const { state } = ended;
    if (options.output === "json")
      printJson({ ...(await calls.readFlowRun(ended.flowRunId)), result: ended.result ?? null });
    else if (state.type === "COMPLETED") printResult(ended.result);
    if (state.type !== "COMPLETED") {
      const place = options.debug === true ? state.error.stack : userFrame(state.error.stack ?? "");
      writeLines([
        `${paint(style, "red", "error:")} ${printableText(state.message ?? state.error.message)}`,
        ...(place ? [`  ${place}`] : []),
      ]);
    }
    if (interruption.hasCome) return EXIT.interrupted;
    return state.type === "COMPLETED" ? EXIT.success : EXIT.failure;
  } finally {
    await shown?.stop();
    restoreOutput();
    await closeSession();
    interruption.end();
  }
}

function printResult(result: unknown): void {
  if (result !== undefined) process.stdout.write(`${typeof result === "string" ? result : jsonText(result)}\n`);
}

function writeLines(lines: readonly string[]): void {
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** Sends what is written to standard output to standard error, until the returned function is called. */
function redirectOutput(): () => void {
  const before = Object.getOwnPropertyDescriptor(process.stdout, "write");
  process.stdout.write = process.stderr.write.bind(process.stderr);
  return () => {
    if (before) Object.defineProperty(process.stdout, "write", before);
    else Reflect.deleteProperty(process.stdout, "write");
  };
}
