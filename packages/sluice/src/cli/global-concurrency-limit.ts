import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { ConcurrencyLimitV2, GlobalConcurrencyLimitResponse } from "../wire/contract/shapes.ts";
import { UsageError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { printFacts } from "./facts.ts";
import { readCount, readRate } from "./numbers.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const NAME = "Name, or id, of the limit";
const DEFAULT_LIMIT = 200;

interface LimitOptions {
  readonly limit?: number;
  readonly activeSlots?: number;
  readonly slotDecayPerSecond?: number;
  readonly disable?: boolean;
  readonly enable?: boolean;
  readonly name?: string;
  readonly output: OutputFormat;
}

/** Adds `global-concurrency-limit ls | inspect | create | update | enable | disable | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List the global limits"))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => list(options.limit, options.output));
  withOutput(command.command("inspect").summary("Show a global limit"))
    .argument("<name>", NAME)
    .action((name: string, { output }: { output: OutputFormat }) => inspect(name, output));
  withOutput(withNumbers(command.command("create").summary("Make a global limit")))
    .argument("<name>", NAME)
    .option("--disable", "Let it hold nobody back yet")
    .action((name: string, options: LimitOptions) => create(name, options));
  withNumbers(command.command("update").summary("Change a global limit"))
    .argument("<name>", NAME)
    .option("--name <name>", "New name")
    .option("--enable", "Let it hold back again")
    .option("--disable", "Let it hold nobody back")
    .action((name: string, options: LimitOptions) => update(name, changesOf(options), "Changed"));
  command
    .command("enable")
    .summary("Let a global limit hold back again")
    .argument("<name>", NAME)
    .action((name: string) => update(name, { active: true }, "Enabled"));
  command
    .command("disable")
    .summary("Let a global limit hold nobody back")
    .argument("<name>", NAME)
    .action((name: string) => update(name, { active: false }, "Disabled"));
  command.command("delete").summary("Delete a global limit").argument("<name>", NAME).action(remove);
}

function withNumbers(command: Command): Command {
  return command
    .option("-l, --limit <n>", "Number of slots", readCount)
    .option("--active-slots <n>", "Slots that count as taken", readCount)
    .option(
      "--slot-decay-per-second <n>",
      "Slots that come free by themselves each second, for a rate limit",
      readRate,
    );
}

function changesOf(options: LimitOptions): Record<string, unknown> {
  const { limit, activeSlots, slotDecayPerSecond: decay, name, enable, disable } = options;
  if (enable === true && disable === true) throw new UsageError("--enable and --disable contradict each other.");
  return {
    ...(name === undefined ? {} : { name }),
    ...(limit === undefined ? {} : { limit }),
    ...(activeSlots === undefined ? {} : { active_slots: activeSlots }),
    ...(decay === undefined ? {} : { slot_decay_per_second: decay }),
    ...(enable === true ? { active: true } : {}),
    ...(disable === true ? { active: false } : {}),
  };
}

const pathOf = (name: string): string => `/v2/concurrency_limits/${encodeURIComponent(name)}`;

async function list(limit: number, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const limits = await readPages(
      (body) => api.call<readonly GlobalConcurrencyLimitResponse[]>("POST", "/v2/concurrency_limits/filter", body),
      {},
      limit,
    );
    if (output === "json") return printJson(limits);
    printTable<GlobalConcurrencyLimitResponse>(
      [
        { title: "NAME", cell: (row) => printable(row.name), flexible: true },
        { title: "ID", cell: (row) => row.id },
        { title: "LIMIT", cell: (row) => String(row.limit), align: "right" },
        { title: "ACTIVE", cell: (row) => String(row.active_slots), align: "right" },
        { title: "DECAY/S", cell: (row) => String(row.slot_decay_per_second ?? 0), align: "right" },
        { title: "ENABLED", cell: (row) => (row.active === false ? "no" : "yes") },
      ],
      limits,
      "no global concurrency limits",
    );
  });
}

async function inspect(name: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const limit = await api.call<GlobalConcurrencyLimitResponse>("GET", pathOf(name));
    if (output === "json") return printJson(limit);
    printFacts(limit.name, [
      ["id", limit.id],
      ["slots", `${limit.active_slots} of ${limit.limit} taken`],
      ["decay", limit.slot_decay_per_second ? `${limit.slot_decay_per_second} slots a second` : ""],
      ["enabled", limit.active === false ? "no" : "yes"],
      ["created", localTime(limit.created)],
      ["updated", localTime(limit.updated)],
    ]);
  });
}

async function create(name: string, options: LimitOptions): Promise<void> {
  if (options.limit === undefined) throw new UsageError("--limit is needed: the number of slots.");
  await withApi(async (api) => {
    const made = await api.call<ConcurrencyLimitV2>("POST", "/v2/concurrency_limits/", {
      ...changesOf(options),
      name,
    });
    if (options.output === "json") return printJson(made);
    printLines([`Made the limit ${printable(name)} of ${made.limit} slots (${made.id}).`]);
  });
}

async function update(name: string, changes: Readonly<Record<string, unknown>>, done: string): Promise<void> {
  if (Object.keys(changes).length === 0) throw new UsageError("nothing to change: see --help for what can be.");
  await withApi(async (api) => {
    await api.call("PATCH", pathOf(name), changes);
    printLines([`${done} ${printable(name)}.`]);
  });
}

async function remove(name: string): Promise<void> {
  await withApi(async (api) => {
    await api.call("DELETE", pathOf(name));
    printLines([`Deleted ${printable(name)}.`]);
  });
}
