import { Command, CommanderError } from "commander";
import { EXIT, type ExitCode, errorText, exitCodeOf } from "./command-error.ts";
import { watchReaders } from "./gone-reader.ts";
import { readPackageVersion } from "./package-version.ts";

/** What the file of a noun exports: it adds its verbs, arguments and options to the command made for it. */
export interface Noun {
  define(command: Command): void;
}

// One file a noun; only the file of the noun on the command line is loaded, so that help and small commands start at once.
const NOUNS: Readonly<
  Record<string, { readonly summary: string; readonly alias?: string; readonly load: () => Promise<Noun> }>
> = {
  run: { summary: "Run a flow of a file", load: () => import("./run.ts") },
  "flow-run": {
    summary: "List, inspect, cancel and delete flow runs, read their logs",
    load: () => import("./flow-run.ts"),
  },
  "task-run": { summary: "List and inspect task runs", load: () => import("./task-run.ts") },
  flow: { summary: "List flows", load: () => import("./flow.ts") },
  deployment: { summary: "Look after deployments, and run them", load: () => import("./deployment.ts") },
  automation: { summary: "Act on events", load: () => import("./automation.ts") },
  event: { summary: "List, stream and send events", load: () => import("./event.ts") },
  variable: { summary: "Keep named values that flows read", load: () => import("./variable.ts") },
  block: { summary: "Keep configuration and secrets in blocks", load: () => import("./block.ts") },
  artifact: { summary: "List, inspect, create and delete artifacts", load: () => import("./artifact.ts") },
  database: {
    summary: "Back up, vacuum, upgrade and reset the database of the home",
    load: () => import("./database.ts"),
  },
  "work-pool": { summary: "Make and look after work pools", load: () => import("./work-pool.ts") },
  "work-queue": { summary: "Make and look after the queues of work pools", load: () => import("./work-queue.ts") },
  "concurrency-limit": {
    summary: "Limit how many task runs of a tag run at once",
    load: () => import("./concurrency-limit.ts"),
  },
  "global-concurrency-limit": {
    summary: "Limit anything by named slots",
    alias: "gcl",
    load: () => import("./global-concurrency-limit.ts"),
  },
  dask: { summary: "Prepare this machine for temporary Dask clusters", load: () => import("./dask.ts") },
  ray: { summary: "Prepare this machine for the bridge to Ray", load: () => import("./ray.ts") },
  server: { summary: "Start, stop and look at a server that others can reach", load: () => import("./server.ts") },
  config: { summary: "View and change settings", load: () => import("./config.ts") },
  profile: { summary: "Keep settings in named profiles", load: () => import("./profile.ts") },
  version: { summary: "Show versions and the home in use", load: () => import("./version.ts") },
};

const EXIT_CODES = `
Exit codes: 0 success; 1 the run failed, crashed or was cancelled, or the operation was refused; 2 wrong usage; 130 Ctrl-C.`;

const DEBUG = ["--debug", "Show errors with their stacks"] as const;

/** Gives a command what all have. */
function finish(command: Command): void {
  command.description(`${command.summary()}.`).option(...DEBUG);
}

/**
 * Runs one command line and sets `process.exitCode`.
 *
 * @param args without the names of the program, as in `process.argv.slice(2)`
 */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  watchReaders();
  process.exitCode = await exitCodeFor(args);
}

async function exitCodeFor(args: readonly string[]): Promise<ExitCode> {
  try {
    const program = await makeProgram(args);
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return codeFrom(process.exitCode);
  } catch (error) {
    // Commander has printed what it has to say; its own exit codes know no difference between wrong usage and failure.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
    const isDebug = args.includes("--debug") || /^(1|true|yes|on)$/i.test(process.env["SLUICE_DEBUG"] ?? "");
    process.stderr.write(`${errorText(error, isDebug)}\n`);
    return exitCodeOf(error);
  }
}

/** An action reports failure by `process.exitCode`; the run of a command line starts from success. */
function codeFrom(code: typeof process.exitCode): ExitCode {
  if (code === EXIT.failure || code === EXIT.usage || code === EXIT.interrupted) return code;
  return EXIT.success;
}

async function makeProgram(args: readonly string[]): Promise<Command> {
  const program = new Command("sluice")
    .description("Workflow orchestration: whole subflows in real parallel, every run tracked.")
    .version(readPackageVersion(), "-V, --version", "Show the version")
    .option(...DEBUG)
    .helpOption("-h, --help", "Show help")
    .addHelpText("after", EXIT_CODES)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(text.replace(/\n+$/, "\n")) });
  const words = args.filter((arg) => !arg.startsWith("-"));
  const wanted = words[0] === "help" ? words[1] : words[0];
  for (const [name, noun] of Object.entries(NOUNS)) {
    const command = program.command(name).summary(noun.summary);
    if (noun.alias !== undefined) command.alias(noun.alias);
    if (name === wanted || (noun.alias !== undefined && noun.alias === wanted)) (await noun.load()).define(command);
    for (const each of [command, ...command.commands]) finish(each);
  }
  return program;
}
