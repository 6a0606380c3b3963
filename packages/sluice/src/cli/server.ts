import { once } from "node:events";
import { type Command, InvalidArgumentError } from "commander";
import { loadSettings } from "../client/settings.ts";
import { printLines } from "./output.ts";

const LARGEST_PORT = 65_535;

/** Adds `server start`. */
export function define(command: Command): void {
  command
    .command("start")
    .summary("Serve the API of the home until Ctrl-C")
    .option("--host <address>", "Address to bind (SLUICE_SERVER_HOST, else 127.0.0.1)")
    .option("--port <port>", "Port to listen on, 0 for a free one (SLUICE_SERVER_PORT, else 4200)", readPort)
    .action((options: { host?: string; port?: number }) => start(options));
}

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > LARGEST_PORT) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${String(LARGEST_PORT)}.`);
  }
  return port;
}

async function start(options: { readonly host?: string; readonly port?: number }): Promise<void> {
  const settings = loadSettings();
  const { serveHome } = await import("../home/serve-home.ts");
  const server = await serveHome({
    settings,
    host: options.host ?? settings.serverHost,
    port: options.port ?? settings.serverPort,
  });
  printLines([
    `Sluice server at ${server.url}`,
    `  home        ${settings.home}`,
    `  use it by   export SLUICE_API_URL=${server.url}/api`,
    "Ctrl-C stops it.",
  ]);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  process.stderr.write("Stopping.\n");
  await server.close();
}
