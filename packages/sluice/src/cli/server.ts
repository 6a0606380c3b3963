import { once } from "node:events";
import { type Command, InvalidArgumentError } from "commander";
import { loadSettings } from "../client/settings.ts";
import { type OutputFormat, printJson, printLines, withOutput } from "./output.ts";
import { defineApiKeys } from "./server-api-key.ts";

const LARGEST_PORT = 65_535;

const OPEN_TO_ALL = `
WARNING: this server asks for no credentials, and others than this machine can reach it. Whoever does can read
everything and run code through your workers. Make a key (sluice server api-key create NAME --scope admin), or set
SLUICE_SERVER_API_AUTH_STRING=user:password, or bind it to 127.0.0.1.

`;

/** Adds `server start | stop | status | api-key`. */
export function define(command: Command): void {
  command
    .command("start")
    .summary("Serve the API of the home until Ctrl-C")
    .option("--host <address>", "Address to bind (SLUICE_SERVER_HOST, else 127.0.0.1)")
    .option("--port <port>", "Port to listen on, 0 for a free one (SLUICE_SERVER_PORT, else 4200)", readPort)
    .option("-b, --background", "Go on in the background; `server stop` ends it")
    .action((options: StartOptions) => (options.background === true ? startBehind(options) : start(options)));
  command
    .command("stop")
    .summary("Stop the server of the home")
    .action(async () => {
      const { stopServer } = await import("./server-process.ts");
      printLines([await stopServer(loadSettings().home)]);
    });
  withOutput(command.command("status").summary("Tell whether a server serves the home, and how it does"))
    .option("--wait", "Wait until it is healthy, at most 30 s")
    .action((options: { output: OutputFormat; wait?: boolean }) => status(options));
  defineApiKeys(command);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

interface StartOptions {
  readonly host?: string;
  readonly port?: number;
  readonly background?: boolean;
}

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > LARGEST_PORT) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${String(LARGEST_PORT)}.`);
  }
  return port;
}

async function start(options: StartOptions): Promise<void> {
  const settings = loadSettings();
  const { serveHome } = await import("../home/serve-home.ts");
  const { forgetServer, noteServer } = await import("./server-process.ts");
  const server = await serveHome({
    settings,
    host: options.host ?? settings.serverHost,
    port: options.port ?? settings.serverPort,
  });
  noteServer(settings.home, server.url);
  if (!server.asksForCredentials() && !isLoopback(options.host ?? settings.serverHost))
    process.stderr.write(OPEN_TO_ALL);
  printLines([
    `Sluice server at ${server.url}`,
    `  home        ${settings.home}`,
    `  use it by   export SLUICE_API_URL=${server.url}/api`,
    "Ctrl-C stops it.",
  ]);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  process.stderr.write("Stopping.\n");
  forgetServer(settings.home);
  await server.close();
}

async function startBehind(options: StartOptions): Promise<void> {
  const { startInBackground } = await import("./server-process.ts");
  const { home } = loadSettings();
  const args = [
    ...(options.host === undefined ? [] : ["--host", options.host]),
    ...(options.port === undefined ? [] : ["--port", String(options.port)]),
  ];
  const server = await startInBackground(home, args);
  printLines([
    `Sluice server at ${server.url} (pid ${server.pid})`,
    `  home        ${home}`,
    `  use it by   export SLUICE_API_URL=${server.url}/api`,
    "`sluice server stop` stops it.",
  ]);
}

async function status({ output, wait }: { readonly output: OutputFormat; readonly wait?: boolean }): Promise<void> {
  const { readStatus } = await import("./server-process.ts");
  const { home } = loadSettings();
  const found = await readStatus(home, wait === true);
  if (!found.isHealthy) process.exitCode = 1;
  if (output === "json") return printJson(found);
  const { url, pid, isHealthy, detail } = found;
  if (pid === null) printLines([`No server serves ${home}.`]);
  else printLines([`Server at ${url ?? ""} (pid ${String(pid)}): ${isHealthy ? "healthy" : detail}`]);
}
