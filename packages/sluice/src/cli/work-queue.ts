import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { WorkQueueResponse } from "../wire/contract/shapes.ts";
import { withApi } from "./connection.ts";
import { limitText, printFacts } from "./facts.ts";
import { readCount } from "./numbers.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const NAME = "Name of the queue";
const DEFAULT_POOL = "default-agent-pool";
const DEFAULT_LIMIT = 200;

interface QueueOptions {
  readonly pool: string;
  readonly limit?: number;
  readonly priority?: number;
  readonly description?: string;
  readonly output: OutputFormat;
}

/** Adds `work-queue ls | inspect | create | pause | resume | set-concurrency-limit | clear-concurrency-limit | set-priority | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List work queues, the most urgent first"))
    .option("-p, --pool <name>", "Only queues of this pool")
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { pool?: string; limit: number; output: OutputFormat }) => list(options));
  withOutput(withPool(command.command("inspect").summary("Show a work queue")))
    .argument("<name>", NAME)
    .action((name: string, options: QueueOptions) => inspect(name, options));
  withOutput(withPool(command.command("create").summary("Make a work queue")))
    .argument("<name>", NAME)
    .option("-l, --limit <n>", "Runs at once", readCount)
    .option("-q, --priority <n>", "Place among the pool's queues, 1 is the most urgent", readLimit)
    .option("--description <text>", "What it is for")
    .action((name: string, options: QueueOptions) => create(name, options));
  defineChange(command, "pause", {
    summary: "Let no worker take runs of a queue",
    body: { is_paused: true },
    done: "Paused",
  });
  defineChange(command, "resume", {
    summary: "Let workers take runs of a queue again",
    body: { is_paused: false },
    done: "Resumed",
  });
  defineChange(command, "clear-concurrency-limit", {
    summary: "Let any number of runs of a queue run at once",
    body: { concurrency_limit: null },
    done: "Unlimited",
  });
  withPool(command.command("set-concurrency-limit").summary("Limit how many runs of a queue run at once"))
    .argument("<name>", NAME)
    .argument("<limit>", "Number of runs", readCount)
    .action((name: string, limit: number, { pool }: QueueOptions) =>
      update(pool, name, { body: { concurrency_limit: limit }, done: "Limited" }),
    );
  withPool(command.command("set-priority").summary("Move a queue among those of its pool"))
    .argument("<name>", NAME)
    .argument("<priority>", "1 is the most urgent", readLimit)
    .action((name: string, priority: number, { pool }: QueueOptions) =>
      update(pool, name, { body: { priority }, done: "Moved" }),
    );
  withPool(command.command("delete").summary("Delete a work queue"))
    .argument("<name>", NAME)
    .action((name: string, { pool }: QueueOptions) => remove(pool, name));
}

interface Change {
  readonly body: object;
  /** What was done, in a word. */
  readonly done: string;
}

function defineChange(command: Command, verb: string, change: Change & { readonly summary: string }): void {
  withPool(command.command(verb).summary(change.summary))
    .argument("<name>", NAME)
    .action((name: string, { pool }: QueueOptions) => update(pool, name, change));
}

function withPool(command: Command): Command {
  return command.option("-p, --pool <name>", "Its work pool", DEFAULT_POOL);
}

const pathOf = (pool: string): string => `/work_pools/${encodeURIComponent(pool)}/queues`;
const pathIn = (pool: string, name: string): string => `${pathOf(pool)}/${encodeURIComponent(name)}`;

async function list(options: {
  readonly pool?: string;
  readonly limit: number;
  readonly output: OutputFormat;
}): Promise<void> {
  const { pool, limit, output } = options;
  await withApi(async (api) => {
    const path = pool === undefined ? "/work_queues/filter" : `${pathOf(pool)}/filter`;
    const queues = await readPages((body) => api.call<readonly WorkQueueResponse[]>("POST", path, body), {}, limit);
    if (output === "json") return printJson(queues);
    printTable<WorkQueueResponse>(
      [
        { title: "POOL", cell: (queue) => printable(queue.work_pool_name ?? ""), flexible: true },
        { title: "NAME", cell: (queue) => printable(queue.name), flexible: true },
        { title: "PRIORITY", cell: (queue) => limitText(queue.priority), align: "right" },
        { title: "STATUS", cell: (queue) => queue.status ?? "" },
        { title: "LIMIT", cell: (queue) => limitText(queue.concurrency_limit), align: "right" },
        { title: "LAST POLLED", cell: (queue) => localTime(queue.last_polled) },
      ],
      queues,
      "no work queues",
    );
  });
}

async function inspect(name: string, { pool, output }: QueueOptions): Promise<void> {
  await withApi(async (api) => {
    const queue = await api.call<WorkQueueResponse>("GET", pathIn(pool, name));
    if (output === "json") return printJson(queue);
    const { concurrency_limit: limit, active_slots: active } = queue;
    printFacts(queue.name, [
      ["id", queue.id],
      ["pool", printable(queue.work_pool_name ?? "")],
      ["priority", limitText(queue.priority)],
      ["status", queue.status ?? ""],
      ["description", printable(queue.description ?? "")],
      ["limit", typeof limit === "number" ? `${active ?? 0} of ${limit} runs at once` : ""],
      ["last polled", localTime(queue.last_polled)],
      ["created", localTime(queue.created)],
    ]);
  });
}

async function create(name: string, { pool, limit, priority, description, output }: QueueOptions): Promise<void> {
  await withApi(async (api) => {
    const body = {
      name,
      ...(limit === undefined ? {} : { concurrency_limit: limit }),
      ...(priority === undefined ? {} : { priority }),
      ...(description === undefined ? {} : { description }),
    };
    // The pool of queues without one is made when it is needed first.
    const path = pool === DEFAULT_POOL ? "/work_queues/" : pathOf(pool);
    const queue = await api.call<WorkQueueResponse>("POST", path, body);
    if (output === "json") return printJson(queue);
    printLines([`Made the work queue ${printable(name)} of ${printable(pool)} (${queue.id}).`]);
  });
}

async function update(pool: string, name: string, { body, done }: Change): Promise<void> {
  await withApi(async (api) => {
    await api.call("PATCH", pathIn(pool, name), body);
    printLines([`${done} ${printable(name)}.`]);
  });
}

async function remove(pool: string, name: string): Promise<void> {
  await withApi(async (api) => {
    await api.call("DELETE", pathIn(pool, name));
    printLines([`Deleted ${printable(name)}.`]);
  });
}
