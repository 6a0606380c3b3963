import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { WorkPoolResponse, WorkerResponse, WorkQueueResponse } from "../wire/contract/shapes.ts";
import type { ApiCalls } from "./api-calls.ts";
import { RefusedError, UsageError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { limitText, printFacts } from "./facts.ts";
import { readCount } from "./numbers.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const NAME = "Name of the pool";
const DEFAULT_LIMIT = 200;

interface PoolOptions {
  readonly type?: string;
  readonly description?: string;
  readonly concurrencyLimit?: number;
  readonly baseJobTemplate?: string;
  readonly paused?: boolean;
  readonly output: OutputFormat;
}

/** Adds `work-pool ls | inspect | create | update | pause | resume | set-concurrency-limit | clear-concurrency-limit | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List work pools"))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => list(options));
  withOutput(command.command("inspect").summary("Show a work pool with its queues and workers"))
    .argument("<name>", NAME)
    .action((name: string, { output }: { output: OutputFormat }) => inspect(name, output));
  withOutput(withChanges(command.command("create").summary("Make a work pool, with its default queue")))
    .argument("<name>", NAME)
    .option("-t, --type <type>", "Kind of infrastructure", "process")
    .option("--paused", "Let no worker take runs yet")
    .action((name: string, options: PoolOptions) => create(name, options));
  withChanges(command.command("update").summary("Change a work pool"))
    .argument("<name>", NAME)
    .action((name: string, options: PoolOptions) => update(name, changesOf(options), "Changed"));
  defineSwitches(command);
  command
    .command("delete")
    .summary("Delete work pools with their queues")
    .argument("<name...>", NAME)
    .action((names: readonly string[]) => withApi((api) => remove(api, names)));
}

function defineSwitches(command: Command): void {
  command
    .command("pause")
    .summary("Let no worker take runs of a pool")
    .argument("<name>", NAME)
    .action((name: string) => update(name, { is_paused: true }, "Paused"));
  command
    .command("resume")
    .summary("Let workers take runs of a pool again")
    .argument("<name>", NAME)
    .action((name: string) => update(name, { is_paused: false }, "Resumed"));
  command
    .command("set-concurrency-limit")
    .summary("Limit how many runs of a pool run at once")
    .argument("<name>", NAME)
    .argument("<limit>", "Number of runs", readCount)
    .action((name: string, limit: number) => update(name, { concurrency_limit: limit }, "Limited"));
  command
    .command("clear-concurrency-limit")
    .summary("Let any number of runs of a pool run at once")
    .argument("<name>", NAME)
    .action((name: string) => update(name, { concurrency_limit: null }, "Unlimited"));
}

function withChanges(command: Command): Command {
  return command
    .option("--description <text>", "What it is for")
    .option("--concurrency-limit <n>", "Runs at once", readCount)
    .option("--base-job-template <file>", "JSON file with the template of its jobs");
}

function changesOf(options: PoolOptions): Record<string, unknown> {
  const { description, concurrencyLimit: limit, baseJobTemplate: file } = options;
  return {
    ...(description === undefined ? {} : { description }),
    ...(limit === undefined ? {} : { concurrency_limit: limit }),
    ...(file === undefined ? {} : { base_job_template: readTemplate(file) }),
  };
}

function readTemplate(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const pathOf = (name: string): string => `/work_pools/${encodeURIComponent(name)}`;

async function list({ limit, output }: { readonly limit: number; readonly output: OutputFormat }): Promise<void> {
  await withApi(async (api) => {
    const pools = await readPages(
      (body) => api.call<readonly WorkPoolResponse[]>("POST", "/work_pools/filter", body),
      {},
      limit,
    );
    if (output === "json") return printJson(pools);
    printTable<WorkPoolResponse>(
      [
        { title: "NAME", cell: (pool) => printable(pool.name), flexible: true },
        { title: "TYPE", cell: (pool) => printable(pool.type) },
        { title: "STATUS", cell: statusText },
        { title: "LIMIT", cell: (pool) => limitText(pool.concurrency_limit), align: "right" },
        { title: "DESCRIPTION", cell: (pool) => printable(pool.description ?? ""), flexible: true },
      ],
      pools,
      "no work pools",
    );
  });
}

function statusText({ status, is_paused: isPaused }: WorkPoolResponse): string {
  return status ?? (isPaused ? "PAUSED" : "");
}

async function findPool(api: ApiCalls, name: string): Promise<WorkPoolResponse> {
  const pool = await api.find<WorkPoolResponse>(pathOf(name));
  if (!pool) throw new RefusedError(`there is no work pool "${name}"; \`sluice work-pool ls\` lists them.`);
  return pool;
}

async function inspect(name: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const pool = await findPool(api, name);
    if (output === "json") return printJson(pool);
    const queues = await api.call<readonly WorkQueueResponse[]>("POST", `${pathOf(name)}/queues/filter`, {});
    const workers = await api.call<readonly WorkerResponse[]>("POST", `${pathOf(name)}/workers/filter`, {});
    printFacts(pool.name, [
      ["id", pool.id],
      ["type", printable(pool.type)],
      ["status", statusText(pool)],
      ["description", printable(pool.description ?? "")],
      ["created", localTime(pool.created)],
      ["limit", slotsText(pool)],
      ["queues", queues.map(queueText).join(", ")],
      ["workers", workers.map((worker) => `${printable(worker.name)} ${worker.status ?? ""}`.trim()).join(", ")],
    ]);
  });
}

function slotsText({ concurrency_limit: limit, active_slots: active }: WorkPoolResponse): string {
  return typeof limit === "number" ? `${active ?? 0} of ${limit} runs at once` : "";
}

function queueText({ name, priority, is_paused: isPaused }: WorkQueueResponse): string {
  return `${priority ?? ""} ${printable(name)}${isPaused ? " (paused)" : ""}`;
}

async function create(name: string, options: PoolOptions): Promise<void> {
  await withApi(async (api) => {
    const { type = "process", paused = false } = options;
    const changes = changesOf(options);
    const template = changes["base_job_template"] ?? (await templateOf(api, type));
    const pool = await api.call<WorkPoolResponse>("POST", "/work_pools/", {
      name,
      type,
      is_paused: paused,
      ...changes,
      base_job_template: template,
    });
    if (options.output === "json") return printJson(pool);
    printLines([`Made the work pool ${printable(name)} of type ${printable(type)} (${pool.id}).`]);
  });
}

/** What workers of a kind start with, as the server knows it; nothing for a kind that it does not know. */
async function templateOf(api: ApiCalls, type: string): Promise<unknown> {
  type Views = Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly type: string; readonly default_base_job_configuration: unknown }>>
    >
  >;
  const views = await api.call<Views>("GET", "/collections/views/aggregate-worker-metadata");
  const kinds = Object.values(views).flatMap((library) => Object.values(library));
  return kinds.find((kind) => kind.type === type)?.default_base_job_configuration ?? {};
}

async function update(name: string, changes: Readonly<Record<string, unknown>>, done: string): Promise<void> {
  if (Object.keys(changes).length === 0)
    throw new UsageError("nothing to change: give --description, --concurrency-limit or --base-job-template.");
  await withApi(async (api) => {
    await api.call("PATCH", pathOf(name), changes);
    printLines([`${done} ${printable(name)}.`]);
  });
}

async function remove(api: ApiCalls, names: readonly string[]): Promise<void> {
  for (const name of names) {
    // One after the other: the first that is refused ends it.
    // oxlint-disable-next-line no-await-in-loop
    await api.call("DELETE", pathOf(name));
    printLines([`Deleted ${printable(name)}.`]);
  }
}
