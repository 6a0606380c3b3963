import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { loadSettings } from "../client/settings.ts";
import type { ApiKeyFile, ApiKeyRecord } from "../server/access/api-key-file.ts";
import type { Scope } from "../server/access/scopes.ts";
import { RefusedError } from "./command-error.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";

interface CreateOptions {
  readonly scope: Scope;
  readonly days?: number;
  readonly output: OutputFormat;
}

/** Adds `server api-key create | ls | revoke`: the keys of the home's server, on the machine where it runs. */
export function defineApiKeys(command: Command): void {
  const keys = command.command("api-key").summary("Make, list and revoke the keys that the server of this home takes");
  withOutput(keys.command("create").summary("Make a key; with the first one the server asks for credentials"))
    .argument("<name>", "Whose key it is, or what for")
    .addOption(
      new Option("--scope <scope>", "What it may do").choices(["viewer", "operator", "admin"]).default("operator"),
    )
    .option("--days <number>", "Days that it is good for; for ever by default", readDays)
    .action((name: string, options: CreateOptions) => create(name, options));
  withOutput(keys.command("ls").summary("List the keys, without what is secret")).action(
    (options: { output: OutputFormat }) => list(options.output),
  );
  keys
    .command("revoke")
    .summary("Make a key worthless, within a second")
    .argument("<id-or-name>")
    .action((idOrName: string) => revoke(idOrName));
}

function readDays(text: string): number {
  const days = Number(text);
  if (!(days > 0 && days <= 36_500)) throw new InvalidArgumentError("It must be a number of days from 0 to 36500.");
  return days;
}

async function openKeys(): Promise<ApiKeyFile> {
  const { API_KEY_FILE, ApiKeyFile } = await import("../server/access/api-key-file.ts");
  const { prepareHome } = await import("../home/home-paths.ts");
  const { home, databaseUrl } = loadSettings();
  prepareHome(home, databaseUrl);
  return new ApiKeyFile(join(home, API_KEY_FILE));
}

async function create(name: string, { scope, days, output }: CreateOptions): Promise<void> {
  const { key, record } = (await openKeys()).create({ name, scope, days: days ?? null });
  if (output === "json") return printJson({ key, ...shown(record) });
  process.stderr.write(
    "This is the only time that the key is shown. Use it as SLUICE_API_KEY, or in Python as PREFECT_API_AUTH_STRING=key:slk_...\n",
  );
  printLines([key]);
}

async function list(output: OutputFormat): Promise<void> {
  const rows = (await openKeys()).list().map(shown);
  if (output === "json") return printJson(rows);
  printTable(
    [
      { title: "ID", cell: (row: ShownKey) => row.id },
      { title: "NAME", cell: (row) => row.name, flexible: true },
      { title: "SCOPE", cell: (row) => row.scope },
      { title: "CREATED", cell: (row) => localTime(row.created) },
      { title: "EXPIRES", cell: (row) => (row.expires === null ? "never" : localTime(row.expires)) },
      { title: "REVOKED", cell: (row) => localTime(row.revoked) },
    ],
    rows,
    "no keys",
  );
}

async function revoke(idOrName: string): Promise<void> {
  const revoked = (await openKeys()).revoke(idOrName);
  if (revoked.length === 0) throw new RefusedError(`there is no key "${idOrName}" that is good.`);
  printLines(revoked.map(({ id, name }) => `Revoked ${name} (${id}).`));
}

type ShownKey = Omit<ApiKeyRecord, "sha256">;

function shown({ id, name, scope, created, expires, revoked }: ApiKeyRecord): ShownKey {
  return { id, name, scope, created, expires, revoked };
}
