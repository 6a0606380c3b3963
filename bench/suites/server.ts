import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { WRITES, WRITTEN_EVENTS, WRITTEN_LINES, type LoadPlan } from "../load/load-plans.ts";
import type { LoadReport } from "../load/load-process.ts";
import { startLoader, type Loader } from "../load/loader.ts";
import { PREFECT_PEER } from "../peers/prefect/prefect-case.ts";
import { isPrefectInstalled, withPrefectHome, withPrefectServer } from "../peers/prefect/prefect-server.ts";
import { cpuUsOf, rssMbOf } from "../process-tree.ts";
import { freePort, untilHealthy } from "../program.ts";
import type { Bench, BenchCase, Sample, Scale } from "../sample.ts";

const SLUICE_BIN = fileURLToPath(new URL("./bin/sluice.js", import.meta.resolve("sluice/package.json")));
const CONNECTIONS = 32;
const START_TIMEOUT_SECONDS = 30;
/** What a server needs to settle after its start. */
const IDLE_MS = 3000;
const LINES = 1000;
const EVENTS = 100;
const READABLE_TIMEOUT_MS = 120_000;

/** How much is sent. */
interface Sizes {
  readonly flowRuns: number;
  readonly transitions: number;
  readonly logBatches: number;
  readonly eventBatches: number;
  readonly filters: number;
}

/** A server that is measured. */
interface Measured {
  readonly port: number;
  readonly pid: number;
  readonly secondsUntilHealthy: number;
  readonly peer?: string;
}

/** Raw requests from 32 connections of another process, at our server and at the real one. */
export const server: Bench = {
  name: "server",
  about: "raw requests over HTTP from 32 connections of another process",
  cases: (scale) => [
    sluiceCase(scale),
    sluiceEventsCase(scale),
    sluiceWritersCase(scale),
    ...(isPrefectInstalled() ? [prefectServerCase(scale)] : []),
  ],
};

const WRITERS = 100;
/** More requests than a minute holds. */
const WRITING = { seconds: 60, n: 600_000 };

const SMALL: Sizes = { flowRuns: 40, transitions: 40, logBatches: 2, eventBatches: 2, filters: 5 };

function sluiceCase(scale: Scale): BenchCase {
  const full: Sizes = { flowRuns: 100_000, transitions: 40_000, logBatches: 500, eventBatches: 10_000, filters: 200 };
  return {
    id: "sluice",
    timeoutSeconds: 900,
    measure: () => withSluiceServer((measured) => measureServer(measured, scale === "full" ? full : SMALL)),
  };
}

/** A fresh server that takes events only, so that its memory is theirs. */
function sluiceEventsCase(scale: Scale): BenchCase {
  const eventBatches = scale === "full" ? 10_000 : SMALL.eventBatches;
  return {
    id: "sluice-events",
    timeoutSeconds: 900,
    measure: () =>
      withSluiceServer(async (measured) => {
        const loader = startLoader();
        try {
          return [await measureEvents(measured, loader, eventBatches), await measureSearches(measured)];
        } finally {
          loader.stop();
        }
      }),
  };
}

/** Many writers for a minute: the case fails when anything that was acknowledged cannot be read afterwards. */
function sluiceWritersCase(scale: Scale): BenchCase {
  return {
    id: "sluice-writers",
    timeoutSeconds: 900,
    measure: () =>
      withSluiceServer(async (measured) => {
        const loader = startLoader();
        try {
          return [await measureWriters(measured, loader, scale === "full" ? WRITING : { seconds: 1, n: 400 })];
        } finally {
          loader.stop();
        }
      }),
  };
}

function prefectServerCase(scale: Scale): BenchCase {
  const full: Sizes = { flowRuns: 1000, transitions: 1000, logBatches: 10, eventBatches: 100, filters: 50 };
  return {
    id: "prefect",
    peer: PREFECT_PEER,
    isAlwaysRun: true,
    timeoutSeconds: 900,
    measure: () =>
      withPrefectHome((home) =>
        withPrefectServer(home, ({ port, pid, secondsUntilHealthy }) =>
          measureServer({ port, pid, secondsUntilHealthy, peer: PREFECT_PEER }, scale === "full" ? full : SMALL),
        ),
      ),
  };
}

async function withSluiceServer<T>(use: (measured: Measured) => Promise<T>): Promise<T> {
  const port = await freePort();
  const startMs = performance.now();
  const child = spawn(process.execPath, [SLUICE_BIN, "server", "start", "--port", String(port)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    await untilHealthy(`http://127.0.0.1:${port}/api/health`, START_TIMEOUT_SECONDS, () => child.exitCode !== null);
    const secondsUntilHealthy = (performance.now() - startMs) / 1000;
    if (child.pid === undefined) throw new Error("The server could not be started.");
    return await use({ port, pid: child.pid, secondsUntilHealthy });
  } finally {
    const ended = once(child, "exit");
    if (child.exitCode === null && child.kill("SIGTERM")) await ended;
  }
}

async function measureServer(measured: Measured, sizes: Sizes): Promise<readonly Sample[]> {
  const loader = startLoader();
  try {
    const start = sampleOf(measured, "start", {
      n: 1,
      seconds: measured.secondsUntilHealthy,
      cpuUs: cpuUsOf(measured.pid),
    });
    const idle = await idleSample(measured);
    return [start, idle, ...(await measureRequests(measured, loader, sizes))];
  } finally {
    loader.stop();
  }
}

async function idleSample(measured: Measured): Promise<Sample> {
  const cpuAtStart = cpuUsOf(measured.pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return sampleOf(measured, "idle", { n: 1, seconds: IDLE_MS / 1000, cpuUs: cpuUsOf(measured.pid) - cpuAtStart });
}

async function measureRequests(measured: Measured, loader: Loader, sizes: Sizes): Promise<readonly Sample[]> {
  const { port } = measured;
  const samples: Sample[] = [];
  const run = async (name: string, plan: LoadPlan, items?: number): Promise<LoadReport> => {
    const { report, sample } = await measurePlan(
      { measured, loader, name },
      plan,
      items === undefined ? {} : { items },
    );
    samples.push(sample);
    return report;
  };
  const flowId = await createFlow(port);
  const many = { port, connections: CONNECTIONS };
  // What comes first loads the application and brings the code to speed.
  await loader.run({ ...many, kind: "create-flow-runs", flowId, n: CONNECTIONS });
  const created = await run("create-flow-run", { ...many, kind: "create-flow-runs", flowId, n: sizes.flowRuns });
  const { ids } = created;
  const chosen = ids.slice(0, Math.floor(sizes.transitions / 2));
  await run("set-state-running", { ...many, kind: "set-state", ids: chosen, state: "RUNNING", n: chosen.length });
  await run("set-state", { ...many, kind: "set-state", ids: chosen, state: "COMPLETED", n: chosen.length });
  const pages = { port, connections: 1, kind: "filter-flow-runs", n: sizes.filters } as const;
  await loader.run(pages);
  await run("filter-200", pages);
  const flowRunId = ids[0] ?? "";
  const logs: LoadPlan = { port, connections: 8, kind: "logs", flowRunId, lines: LINES, n: sizes.logBatches };
  await run("logs", logs, sizes.logBatches * LINES);
  if (measured.peer !== undefined) samples.push(await measureEvents(measured, loader, sizes.eventBatches));
  return samples;
}

/** Events, until they are readable. */
async function measureEvents(measured: Measured, loader: Loader, batches: number): Promise<Sample> {
  const { port } = measured;
  const items = batches * EVENTS;
  const plan: LoadPlan = { port, connections: CONNECTIONS, kind: "events", events: EVENTS, n: batches };
  const until = (): Promise<void> => untilEventsReadable(port, items);
  return (await measurePlan({ measured, loader, name: "events-readable" }, plan, { items, until })).sample;
}

/** Searches that look at every event. */
const SEARCHES: readonly object[] = [
  { filter: { text: { query: "nowhere to be found" } } },
  { filter: { resource: { labels: { nobody: "has it" } } } },
  { filter: { text: { query: "bench" }, order: "ASC" } },
];

/** How long others wait while the log of events is searched: requests for the health, one after the other. */
async function measureSearches(measured: Measured): Promise<Sample> {
  const { port, pid } = measured;
  const cpuAtStart = cpuUsOf(pid);
  const startMs = performance.now();
  const waits: number[] = [];
  const searching = new AbortController();
  const searches = Promise.all(SEARCHES.map((body) => ask(port, "/events/filter", body))).finally(() => {
    searching.abort();
  });
  while (!searching.signal.aborted) {
    const askedMs = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one after the other is what is measured
    await (await fetch(`http://127.0.0.1:${port}/api/health`)).text();
    waits.push(performance.now() - askedMs);
  }
  await searches;
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  const seconds = (performance.now() - startMs) / 1000;
  const figures = { n: waits.length, seconds, cpuUs: cpuUsOf(pid) - cpuAtStart };
  return { ...sampleOf(measured, "health-while-searching", figures), p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Writers that send by turns new runs, transitions, log lines and events; see {@link sluiceWritersCase}. */
async function measureWriters(
  measured: Measured,
  loader: Loader,
  { seconds, n }: { readonly seconds: number; readonly n: number },
): Promise<Sample> {
  const { port } = measured;
  const flowId = await createFlow(port);
  const connections = WRITERS;
  const prepared = { port, connections, kind: "create-flow-runs", flowId, n: Math.ceil(n / WRITES.length) } as const;
  const { ids } = await loader.run(prepared);
  const plan: LoadPlan = { port, connections, kind: "writers", flowId, ids, n, seconds };
  const { report, sample } = await measurePlan({ measured, loader, name: "writers" }, plan, {});
  const { written } = report;
  const named = { flows: { id: { any_: [flowId] } } };
  const running = { ...named, flow_runs: { state: { type: { any_: ["RUNNING"] } } } };
  const lines = { logs: { flow_run_id: { any_: ids.slice(0, 1) } }, limit: 1 };
  const lastLine = written.logs * WRITTEN_LINES - 1;
  const read = {
    "flow-run": Number(await ask(port, "/flow_runs/count", named)) - ids.length,
    transition: Number(await ask(port, "/flow_runs/count", running)),
    // Lines have no count: there is a last one and none after it.
    logs:
      (await pageLength(port, { ...lines, offset: lastLine })) +
      lastLine +
      (await pageLength(port, { ...lines, offset: lastLine + 1 })),
    events: await countEvents(port),
  };
  const expected = { ...written, logs: written.logs * WRITTEN_LINES, events: written.events * WRITTEN_EVENTS };
  if (!isDeepStrictEqual(read, expected))
    throw new Error(`Acknowledged: ${JSON.stringify(expected)}; readable: ${JSON.stringify(read)}.`);
  return sample;
}

async function pageLength(port: number, body: object): Promise<number> {
  return ((await ask(port, "/logs/filter", body)) as unknown[]).length;
}

async function countEvents(port: number): Promise<number> {
  const filter = { event: { name: ["bench.event"] } };
  return ((await ask(port, "/events/filter", { filter, limit: 1 })) as { total: number }).total;
}

/** Carries out a plan; `items` is what is counted, by default the requests. */
async function measurePlan(
  { measured, loader, name }: { readonly measured: Measured; readonly loader: Loader; readonly name: string },
  plan: LoadPlan,
  extra: RunExtra,
): Promise<{ report: LoadReport; sample: Sample }> {
  const cpuAtStart = cpuUsOf(measured.pid);
  const startMs = performance.now();
  const report = await loader.run(plan);
  await extra.until?.();
  const { outcome } = report;
  const seconds = extra.until ? (performance.now() - startMs) / 1000 : outcome.seconds;
  const cpuUs = cpuUsOf(measured.pid) - cpuAtStart;
  const { p50Ms, p99Ms, statuses } = outcome;
  const refused = Object.keys(statuses).find((status) => status.startsWith("4"));
  if (refused !== undefined) throw new Error(`${name}: ${statuses[refused]} requests were answered with ${refused}.`);
  const serverErrors = Object.entries(statuses).reduce(
    (sum, [status, n]) => sum + (/^[12345]/.test(status) && status < "500" ? 0 : n),
    0,
  );
  const figures = { n: extra.items ?? outcome.n, seconds, cpuUs };
  return { report, sample: { ...sampleOf(measured, name, figures), p50Ms, p99Ms, serverErrors } };
}

interface RunExtra {
  readonly items?: number;
  /** Part of the time. */
  readonly until?: () => Promise<void>;
}

function sampleOf(
  { pid, peer }: Measured,
  name: string,
  figures: { readonly n: number; readonly seconds: number; readonly cpuUs: number },
): Sample {
  return {
    name: `server/${name}`,
    ...(peer === undefined ? {} : { peer }),
    ...figures,
    peakRssMb: name === "idle" ? rssMbOf(pid).now : rssMbOf(pid).peak,
  };
}

async function ask(port: number, path: string, body: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const url = `http://127.0.0.1:${port}/api${path}`;
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status}.`);
  return answer.json();
}

async function createFlow(port: number): Promise<string> {
  // The contract of this operation has this field.
  return ((await ask(port, "/flows/", { name: "bench" })) as { id: string }).id;
}

/** Events are readable when their number can be asked. */
async function untilEventsReadable(port: number, n: number): Promise<void> {
  const deadlineMs = performance.now() + READABLE_TIMEOUT_MS;
  for (;;) {
    const total = await countEvents(port);
    if (total >= n) return;
    if (performance.now() > deadlineMs) throw new Error(`${total} of ${n} events are readable after two minutes.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
