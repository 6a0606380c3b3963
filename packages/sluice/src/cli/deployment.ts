import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { DeploymentResponse, DeploymentSchedule, Flow, FlowRunResponse } from "../wire/contract/shapes.ts";
import type { ApiCalls } from "./api-calls.ts";
import { RefusedError, UsageError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { limitText, printFacts } from "./facts.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit, readPages } from "./run-filters.ts";

const NAME = "FLOW/DEPLOYMENT, or the id";
const DEFAULT_LIMIT = 200;

interface RunOptions {
  readonly param: readonly string[];
  readonly name?: string;
  readonly at?: string;
  readonly output: OutputFormat;
}

/** Adds `deployment ls | inspect | run | pause | resume | delete`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List deployments by name"))
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { limit: number; output: OutputFormat }) => list(options));
  withOutput(command.command("inspect").summary("Show a deployment with its schedules"))
    .argument("<name>", NAME)
    .action((name: string, { output }: { output: OutputFormat }) => inspect(name, output));
  withOutput(command.command("run").summary("Make a run of a deployment, for a worker to take"))
    .argument("<name>", NAME)
    .option("-p, --param <name=value>", "A parameter: JSON, else text", collect, [])
    .option("--name <name>", "Name of the run")
    .option("--at <time>", "Instant of ISO 8601 at which it is to start; now by default")
    .action((name: string, options: RunOptions) => run(name, options));
  for (const [verb, summary, told] of [
    ["pause", "Schedule no runs of deployments", "Paused"],
    ["resume", "Schedule runs of deployments again", "Resumed"],
  ] as const) {
    command
      .command(verb)
      .summary(summary)
      .argument("<name...>", NAME)
      .action((names: readonly string[]) =>
        forEach(names, async (api, { id, name }) => {
          await api.call("POST", `/deployments/${id}/${verb}_deployment`);
          printLines([`${told} ${printable(name)}.`]);
        }),
      );
  }
  command
    .command("delete")
    .summary("Delete deployments with the runs that wait for their time")
    .argument("<name...>", NAME)
    .action((names: readonly string[]) =>
      forEach(names, async (api, { id, name }) => {
        await api.call("DELETE", `/deployments/${id}`);
        printLines([`Deleted ${printable(name)}.`]);
      }),
    );
}

async function list({ limit, output }: { readonly limit: number; readonly output: OutputFormat }): Promise<void> {
  await withApi(async (api) => {
    const read = (body: unknown): Promise<readonly DeploymentResponse[]> =>
      api.call("POST", "/deployments/filter", body);
    const rows = await readPages(read, { sort: "NAME_ASC" }, limit);
    if (output === "json") return printJson(rows);
    const flows = await flowNames(api, rows);
    printTable<DeploymentResponse>(
      [
        {
          title: "NAME",
          cell: (row) => printable(`${flows.get(row.flow_id) ?? row.flow_id}/${row.name}`),
          flexible: true,
        },
        { title: "STATUS", cell: (row) => (row.paused ? "PAUSED" : (row.status ?? "")) },
        { title: "POOL", cell: (row) => printable(row.work_pool_name ?? "") },
        { title: "SCHEDULES", cell: (row) => (row.schedules ?? []).map(scheduleText).join("; "), flexible: true },
        { title: "ID", cell: (row) => row.id },
      ],
      rows,
      "no deployments",
    );
  });
}

async function flowNames(api: ApiCalls, rows: readonly DeploymentResponse[]): Promise<Map<string, string>> {
  const ids = [...new Set(rows.map((row) => row.flow_id))];
  if (ids.length === 0) return new Map();
  const flows = await api.call<readonly Flow[]>("POST", "/flows/filter", {
    flows: { id: { any_: ids.slice(0, 200) } },
  });
  return new Map(flows.map(({ id, name }) => [id, name]));
}

async function inspect(name: string, output: OutputFormat): Promise<void> {
  await withApi(async (api) => {
    const row = await findDeployment(api, name);
    if (output === "json") return printJson(row);
    printFacts(row.name, [
      ["description", printable(row.description ?? "")],
      ["status", row.paused ? "PAUSED" : (row.status ?? "")],
      ["entrypoint", printable(row.entrypoint ?? "")],
      ["version", printable(row.version ?? "")],
      ["tags", printable((row.tags ?? []).join(", "))],
      ["parameters", printable(JSON.stringify(row.parameters ?? {}))],
      ["pool", printable(row.work_pool_name ?? "")],
      ["queue", printable(row.work_queue_name ?? "")],
      ["limit", limitText(row.global_concurrency_limit?.limit)],
      ["schedules", (row.schedules ?? []).map(scheduleText).join("; ")],
      ["created", row.created === null ? "" : localTime(row.created)],
      ["updated", row.updated === null ? "" : localTime(row.updated)],
      ["id", row.id],
    ]);
  });
}

async function run(name: string, options: RunOptions): Promise<void> {
  if (options.at !== undefined && Number.isNaN(Date.parse(options.at)))
    throw new UsageError(`--at takes an instant of ISO 8601, as 2027-01-31T12:00:00Z, not "${options.at}".`);
  const scheduled =
    options.at === undefined ? {} : { state_details: { scheduled_time: new Date(options.at).toISOString() } };
  await withApi(async (api) => {
    const { id } = await findDeployment(api, name);
    const made = await api.call<FlowRunResponse>("POST", `/deployments/${id}/create_flow_run`, {
      parameters: Object.fromEntries(options.param.map(readParameter)),
      state: { type: "SCHEDULED", ...scheduled },
      ...(options.name === undefined ? {} : { name: options.name }),
    });
    if (options.output === "json") return printJson(made);
    printLines([`Made the run ${printable(made.name ?? "")} (${made.id}); a worker takes it at its time.`]);
  });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function readParameter(text: string): [name: string, value: unknown] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--param takes NAME=VALUE, not "${text}".`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value]; // Documented: what is no JSON is text.
  }
}

async function forEach(
  names: readonly string[],
  act: (api: ApiCalls, deployment: DeploymentResponse) => Promise<void>,
): Promise<void> {
  await withApi(async (api) => {
    for (const name of names) await act(api, await findDeployment(api, name));
  });
}

async function findDeployment(api: ApiCalls, name: string): Promise<DeploymentResponse> {
  const isId = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(name);
  const [flow, ...rest] = name.split("/");
  if (!isId && (flow === undefined || rest.length !== 1))
    throw new UsageError(`a deployment is named as FLOW/DEPLOYMENT or by its id, not "${name}".`);
  const path = isId ? name : `name/${encodeURIComponent(flow ?? "")}/${encodeURIComponent(rest[0] ?? "")}`;
  const row = await api.find<DeploymentResponse>(`/deployments/${path}`);
  if (!row) throw new RefusedError(`there is no deployment "${name}"; "sluice deployment ls" lists them.`);
  return row;
}

function scheduleText({ schedule, active }: DeploymentSchedule): string {
  const text =
    "cron" in schedule
      ? `cron ${schedule.cron}`
      : "rrule" in schedule
        ? `rrule ${schedule.rrule.replaceAll("\n", " ")}`
        : `every ${schedule.interval} s`;
  const zone = schedule.timezone ? ` ${schedule.timezone}` : "";
  return `${text}${zone}${active === false ? " (off)" : ""}`;
}
