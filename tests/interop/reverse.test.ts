import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { HttpTransport, type ApiAddress } from "sluice/client";
import { startServer, type RunningServer } from "sluice/server";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { hasPrefect, startPrefectServer, type PrefectServer } from "./prefect-server.ts";
import { Rest, seeGraph, seeTree, type SeenFlowRun } from "./rest-tree.ts";

/*
 * Our SDK against a real Prefect server: programs run flows, Prefect's REST must show what our own server shows. The server asks for a password and for CSRF tokens. It is
 * started once; without the environment that `npm test` makes these tests are skipped, and `scripts/python-env.mjs` says why.
 */
const program = fileURLToPath(new URL("reverse.fixture.ts", import.meta.url));
const AUTH = "somebody:secret";
const START_MS = 60_000;
const WAIT_MS = 20_000;

let folder: string;
let prefect: PrefectServer;
let rest: Rest;
const running = new Set<ChildProcess>();

interface Run {
  /** The id of the flow run, once it has started. */
  readonly started: Promise<string>;
  /** What the program printed last, once it has ended. */
  readonly ended: Promise<{ readonly ended: string; readonly name: string; readonly data: unknown }>;
  readonly stderr: () => string;
}

/** Runs a flow of the fixture in a program of its own. */
function run(flowAndArgument: readonly string[], settings: Readonly<Record<string, string>>): Run {
  const env = {
    ...process.env,
    SLUICE_HOME: join(folder, "home"),
    SLUICE_LOGGING_CONSOLE_LEVEL: "CRITICAL",
    ...settings,
  };
  const child = spawn(process.execPath, [program, ...flowAndArgument], { env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const lines: string[] = [];
  const started = Promise.withResolvers<string>();
  createInterface(child.stdout).on("line", (line) => {
    lines.push(line);
    const told = JSON.parse(line) as { readonly started?: string };
    if (told.started !== undefined) started.resolve(told.started);
  });
  const ended = once(child, "close").then(() => {
    running.delete(child);
    started.reject(new Error(`the program ended without a flow run: ${stderr}`));
    const last = lines.at(-1);
    if (last === undefined || !last.includes("ended")) throw new Error(`the program failed: ${stderr}`);
    return JSON.parse(last) as Awaited<Run["ended"]>;
  });
  started.promise.catch(() => undefined);
  ended.catch(() => undefined);
  return { started: started.promise, ended, stderr: () => stderr };
}

const onPrefect = (...flowAndArgument: string[]) =>
  run(flowAndArgument, { PREFECT_API_URL: prefect.apiUrl, PREFECT_API_AUTH_STRING: AUTH });

/** REST of the Prefect server, with a token of its own. */
async function openRest(apiUrl: string): Promise<Rest> {
  const transport = new HttpTransport({ url: apiUrl, authString: AUTH });
  const { body } = await transport.send({ method: "GET", path: "/api/csrf-token?client=tests" });
  const { token } = JSON.parse(body) as { readonly token: string };
  return new Rest(transport, () => Promise.resolve({ "prefect-csrf-token": token, "prefect-csrf-client": "tests" }));
}

/** Task runs are written by a service of Prefect's, some time after their events have arrived. */
async function untilStill(
  tree: () => Promise<SeenFlowRun>,
  isWhole: (tree: SeenFlowRun) => boolean,
): Promise<SeenFlowRun> {
  return vi.waitFor(
    async () => {
      const seen = await tree();
      expect(isWhole(seen), JSON.stringify(seen)).toBe(true);
      return seen;
    },
    { timeout: WAIT_MS, interval: 500 },
  );
}

const isOver = (tree: SeenFlowRun): boolean =>
  tree.taskRuns.every(
    ({ states, child }) =>
      /Completed|Failed|Cancelled|Crashed/.test(states.at(-1) ?? "") && (child === null || isOver(child)),
  );
const countRuns = (tree: SeenFlowRun): number =>
  tree.taskRuns.reduce((sum, { child }) => sum + 1 + (child === null ? 0 : countRuns(child)), 0);

describe.skipIf(!hasPrefect)("flows of ours on a Prefect server", { timeout: START_MS }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-reverse-"));
    prefect = await startPrefectServer(join(folder, "prefect"), {
      PREFECT_SERVER_API_AUTH_STRING: AUTH,
      PREFECT_SERVER_CSRF_PROTECTION_ENABLED: "true",
    });
    rest = await openRest(prefect.apiUrl);
  }, START_MS);
  afterEach(() => {
    for (const child of running) child.kill("SIGKILL");
  });
  afterAll(async () => {
    await prefect.stop();
    rmSync(folder, { recursive: true, force: true });
  }, START_MS);

  test("have the tree that our own server shows", async () => {
    const own: RunningServer = await startServer({ port: 0, home: join(folder, "own") });
    const ourAddress: ApiAddress = { url: own.apiUrl };
    const ourRest = new Rest(new HttpTransport(ourAddress));
    const here = onPrefect("tree", "3");
    const there = run(["tree", "3"], { SLUICE_API_URL: own.apiUrl });
    const ends = await Promise.all([here.ended, there.ended]);
    expect([here.stderr(), there.stderr()]).toEqual(["", ""]);
    expect(ends[0]).toEqual(ends[1]);
    const [hereId, thereId] = await Promise.all([here.started, there.started]);
    const ours = await seeTree(ourRest, thereId);
    const theirs = await untilStill(
      () => seeTree(rest, hereId),
      (tree) => isOver(tree) && countRuns(tree) === countRuns(ours),
    );
    expect(theirs).toEqual(ours);
    expect(countRuns(ours)).toBe(20);
    expect(await seeGraph(rest, hereId)).toEqual([
      "flow-run broken / broken FAILED after []",
      "flow-run child / child-inline COMPLETED after []",
      "flow-run child / child-process-1 COMPLETED after []",
      "flow-run child / child-process-2 COMPLETED after []",
      "flow-run child / child-thread COMPLETED after []",
      "flow-run crashing / crashing COMPLETED after []",
      "flow-run retried / retried COMPLETED after []",
      "task-run add-0 COMPLETED after [child / child-process-1, child / child-thread]",
      "task-run flaky-0 COMPLETED after []",
    ]);
    // What a flow's own decision against a retry costs: the server is told that there is none left.
    const broken = await rest.filter("flow_runs", { flow_runs: { name: { any_: ["broken"] } } });
    expect(broken.map(({ empirical_policy: { retries } }) => retries)).toEqual([0]);
    await own.close();
  });

  test("are cancelled, with everything below them, when the server is asked to", async () => {
    const { started, ended } = onPrefect("cancelled");
    const id = await started;
    const child = await vi.waitFor(async () => {
      const rows = await rest.filter("flow_runs", { flow_runs: { parent_flow_run_id: { any_: [id] } } });
      expect(rows.map(({ state_name: name }) => name)).toEqual(["Running"]);
      return rows[0]?.id ?? "";
    }, WAIT_MS);
    await rest.call("POST", `/flow_runs/${id}/set_state`, { state: { type: "CANCELLING", name: "Cancelling" } });
    expect(await ended).toMatchObject({ ended: "CANCELLED" });
    expect(await rest.stateNames("flow", id)).toEqual(["Pending", "Running", "Cancelling", "Cancelled"]);
    expect((await rest.stateNames("flow", child)).at(-1)).toBe("Cancelled");
    const tree = await untilStill(
      () => seeTree(rest, id),
      (seen) => isOver(seen) && countRuns(seen) === 3,
    );
    expect(tree.taskRuns.map(({ name, states }) => [name, states.at(-1)])).toEqual([
      ["endless-0", "Cancelled"],
      ["waiting-0", "Cancelled"],
    ]);
  });

  test("run the tasks of a limited tag one at a time, wherever they run", async () => {
    await rest.call("POST", "/concurrency_limits/", { tag: "one-at-a-time", concurrency_limit: 1 });
    const { started, ended } = onPrefect("crowd");
    expect(await ended).toMatchObject({ ended: "COMPLETED", data: [1, 2, 3, 4, 5] });
    const id = await started;
    const filter = { task_runs: { tags: { all_: ["one-at-a-time"] } }, sort: "EXPECTED_START_TIME_ASC" };
    const runs = await vi.waitFor(async () => {
      const rows = await rest.filter("task_runs", filter);
      expect(rows.map(({ state_name: name }) => name)).toEqual(Array.from({ length: 5 }, () => "Completed"));
      return rows;
    }, WAIT_MS);
    const spans = runs
      .map(({ start_time: start, end_time: end }) => ({ start: start ?? "", end: end ?? "" }))
      .toSorted((a, b) => a.start.localeCompare(b.start));
    expect(spans.filter(({ start }, index) => start < (spans[index - 1]?.end ?? ""))).toEqual([]);
    const limit = await rest.call<{ active_slots: unknown[] }>("GET", "/concurrency_limits/tag/one-at-a-time");
    expect([limit.active_slots, (await rest.flowRun(id)).state_name]).toEqual([[], "Completed"]);
  });

  test("are tried again when the server wants it, and wait as long as it says", async () => {
    const { started, ended } = onPrefect("stubborn", "3");
    const id = await started;
    // Its own options give it one retry; the server is told to give it another.
    await rest.call("PATCH", `/flow_runs/${id}`, { empirical_policy: { retries: 2 } });
    await vi.waitFor(async () => expect((await rest.flowRun(id)).state_name).toBe("AwaitingRetry"), {
      timeout: WAIT_MS,
      interval: 50,
    });
    const untilMs = Date.now() + 2000;
    await rest.call("POST", `/flow_runs/${id}/set_state`, {
      state: {
        type: "SCHEDULED",
        name: "AwaitingRetry",
        state_details: { scheduled_time: new Date(untilMs).toISOString() },
      },
    });
    expect(await ended).toMatchObject({ ended: "COMPLETED", data: 3 });
    expect(Date.now()).toBeGreaterThan(untilMs);
    expect(await rest.stateNames("flow", id)).toEqual([
      "Pending",
      "Running",
      "AwaitingRetry",
      "AwaitingRetry",
      "Running",
      "AwaitingRetry",
      "Running",
      "Completed",
    ]);
  });

  test("pause, take the input that they ask for, and fail when nobody resumes them", async () => {
    const { started, ended } = onPrefect("paused");
    const id = await started;
    const isPaused = (runId: string): Promise<void> =>
      vi.waitFor(async () => expect((await rest.flowRun(runId)).state_name).toBe("Paused"), WAIT_MS);
    const resume = (runId: string, runInput: object): Promise<{ readonly status: string }> =>
      rest.call("POST", `/flow_runs/${runId}/resume`, { run_input: runInput });
    await isPaused(id);
    expect(await resume(id, {})).toMatchObject({ status: "ACCEPT" });
    const child = await vi.waitFor(async () => {
      const [row] = await rest.filter("flow_runs", { flow_runs: { name: { any_: ["approval"] } } });
      expect(row?.state_name).toBe("Paused");
      return row?.id ?? "";
    }, WAIT_MS);
    const keys = await rest.call<{ readonly key: string }[]>("POST", `/flow_runs/${child}/input/filter`, {
      prefix: "paused",
      limit: 10,
    });
    expect(keys.map(({ key }) => key).toSorted()).toEqual(["paused-1-description", "paused-1-schema"]);
    expect(await resume(child, { approved: "perhaps" })).toMatchObject({ status: "REJECT" });
    expect(await resume(child, { approved: true })).toMatchObject({ status: "ACCEPT" });
    expect(await ended).toMatchObject({ ended: "FAILED" });
    expect(await rest.stateNames("flow", child)).toEqual(["Pending", "Running", "Paused", "Running", "Completed"]);
    expect(await rest.stateNames("flow", id)).toEqual(["Pending", "Running", "Paused", "Running", "Paused", "Failed"]);
  });

  test("lose nothing when their connections break", async () => {
    const { hostname, port } = new URL(prefect.apiUrl);
    const line = await openLine(hostname, Number(port));
    const settings = { SLUICE_API_URL: `http://127.0.0.1:${line.port}/api`, SLUICE_API_AUTH_STRING: AUTH };
    const { started, ended, stderr } = run(["steps", "60"], settings);
    const id = await started;
    for (let cut = 0; cut < 3; cut++) {
      const before = line.received();
      await vi.waitFor(() => expect(line.received()).toBeGreaterThan(before + 5), { timeout: WAIT_MS, interval: 10 });
      line.cut();
    }
    expect(await ended, stderr()).toMatchObject({ ended: "COMPLETED", data: 60 });
    line.close();
    const tree = await untilStill(
      () => seeTree(rest, id),
      (seen) => isOver(seen) && countRuns(seen) === 60,
    );
    expect(tree.taskRuns.filter(({ states }) => states.join() !== "Pending,Running,Completed")).toEqual([]);
    expect(new Set(tree.logs).size).toBe(62);
  });
});

/** A line to the server that can be cut. */
async function openLine(host: string, target: number) {
  const sockets = new Set<Socket>();
  let received = 0;
  const server: Server = createServer((near) => {
    const far = connect(target, host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined); // cut on purpose
      socket.once("close", () => (sockets.delete(socket), near.destroy(), far.destroy()));
    }
    near.on("data", () => received++);
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    received: () => received,
    cut,
    close: () => (cut(), server.close()),
  };
}
