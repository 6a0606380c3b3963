import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { printable } from "../client/live/text-width.ts";
import type { EventFilter, EventPage, ReceivedEvent } from "../wire/contract/shapes.ts";
import type { ApiCalls } from "./api-calls.ts";
import { UsageError } from "./command-error.ts";
import { withApi } from "./connection.ts";
import { localTime, type OutputFormat, printJson, printLines, printTable, withOutput } from "./output.ts";
import { readLimit } from "./run-filters.ts";

const DEFAULT_LIMIT = 50;
/** Events of one request. */
const PAGE = 50;
/** A stream is up to date within this time, at one small request for each. */
const POLL_MS = 500;
/** Events that arrive late by no more than this are still shown. */
const LOOKBACK_MS = 10_000;

/** Adds `event ls | stream | emit`. */
export function define(command: Command): void {
  withOutput(command.command("ls").summary("List events, newest first"))
    .option("--prefix <prefix...>", "Only events whose names begin so, as prefect.flow-run.")
    .option("--limit <n>", "At most so many", readLimit, DEFAULT_LIMIT)
    .action((options: { prefix?: readonly string[]; limit: number; output: OutputFormat }) => list(options));
  withOutput(command.command("stream").summary("Print events as they happen, until Ctrl-C"))
    .option("--prefix <prefix...>", "Only events whose names begin so")
    .option("--run-once", "End after the first event")
    .action((options: { prefix?: readonly string[]; runOnce?: boolean; output: OutputFormat }) => stream(options));
  command
    .command("emit")
    .summary("Send an event")
    .argument("<event>", "Name of the event, as order.shipped")
    .requiredOption("--resource-id <id>", "What the event is about, as shop.order.17")
    .option("--payload <json>", "An object of JSON", readPayload, {})
    .action((event: string, options: { resourceId: string; payload: object }) => emit(event, options));
}

async function list(options: {
  readonly prefix?: readonly string[];
  readonly limit: number;
  readonly output: OutputFormat;
}): Promise<void> {
  await withApi(async (api) => {
    const rows: ReceivedEvent[] = [];
    const seen = new Set<string>();
    let until: string | undefined;
    while (rows.length < options.limit) {
      const page = await read(api, { ...nameFilter(options.prefix), ...(until ? { occurred: { until } } : {}) });
      const fresh = page.filter(({ id }) => !seen.has(id));
      for (const event of fresh.slice(0, options.limit - rows.length)) rows.push(event);
      for (const { id } of fresh) seen.add(id);
      until = page.at(-1)?.occurred;
      if (page.length < PAGE || fresh.length === 0) break;
    }
    if (options.output === "json") return printJson(rows);
    printTable<ReceivedEvent>(
      [
        { title: "OCCURRED", cell: (row) => localTime(row.occurred) },
        { title: "EVENT", cell: (row) => printable(row.event) },
        { title: "RESOURCE", cell: (row) => printable(resourceOf(row)), flexible: true },
      ],
      rows,
      "no events",
    );
  });
}

async function stream(options: {
  readonly prefix?: readonly string[];
  readonly runOnce?: boolean;
  readonly output: OutputFormat;
}): Promise<void> {
  await withApi(async (api) => {
    const startMs = Date.now();
    const seen = new Map<string, number>();
    for (;;) {
      const since = new Date(Math.max(startMs, Date.now() - LOOKBACK_MS)).toISOString();
      const page = await read(api, { ...nameFilter(options.prefix), occurred: { since }, order: "ASC" }, true);
      for (const event of page) {
        if (seen.has(event.id)) continue;
        seen.set(event.id, Date.now());
        printLines([options.output === "json" ? JSON.stringify(event) : lineOf(event)]);
        if (options.runOnce === true) return;
      }
      for (const [id, seenMs] of seen) if (Date.now() - seenMs > 2 * LOOKBACK_MS) seen.delete(id);
      await delay(POLL_MS);
    }
  });
}

/** Reads a page, or all that follow it. */
async function read(api: ApiCalls, filter: EventFilter, isWhole = false): Promise<ReceivedEvent[]> {
  const first = await api.call<EventPage>("POST", "/events/filter", { filter, limit: PAGE });
  if (!isWhole) return [...first.events];
  const events = [...first.events];
  for (let next = first.next_page; next !== null;) {
    const { search } = new URL(next, "http://localhost");
    const page = await api.call<EventPage>("GET", `/events/filter/next${search}`);
    events.push(...page.events);
    next = page.next_page;
  }
  return events;
}

async function emit(
  event: string,
  { resourceId, payload }: { readonly resourceId: string; readonly payload: object },
): Promise<void> {
  const id = randomUUID();
  const resource = { "prefect.resource.id": resourceId };
  await withApi(async (api) => {
    await api.call("POST", "/events", [{ id, occurred: new Date().toISOString(), event, resource, payload }]);
  });
  printLines([`Sent ${printable(event)} (${id}).`]);
}

function readPayload(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below, like JSON that is no object.
  }
  throw new UsageError(`--payload takes an object of JSON, not ${JSON.stringify(text)}.`);
}

function nameFilter(prefix: readonly string[] | undefined): EventFilter {
  return prefix ? { event: { prefix } } : {};
}

function resourceOf({ resource }: ReceivedEvent): string {
  const name = resource["prefect.resource.name"];
  const id = resource["prefect.resource.id"] ?? "";
  return typeof name === "string" && name !== "" ? `${name} (${id})` : id;
}

function lineOf(event: ReceivedEvent): string {
  return `${localTime(event.occurred)}  ${printable(event.event)}  ${printable(resourceOf(event))}`;
}
