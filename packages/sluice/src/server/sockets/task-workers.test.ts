import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "../index.ts";

let folder: string;
let server: RunningServer;
let sockets: WebSocket[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-task-workers-"));
  sockets = [];
  server = await startServer({ port: 0, home: folder });
});
afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  await server.close();
  rmSync(folder, { recursive: true });
});

async function post(path: string, body: unknown): Promise<{ readonly id: string }> {
  const answer = await server.core.handle({ method: "POST", path: `/api${path}`, body: JSON.stringify(body) });
  expect(answer.status, answer.body).toBeLessThan(300);
  return JSON.parse(answer.body) as { id: string };
}

/** Defers a task run, as `.delay()` does. */
async function defer(key: string, name = "SCHEDULED"): Promise<string> {
  const state = { type: "SCHEDULED", name, state_details: { deferred: true, task_parameters_id: crypto.randomUUID() } };
  return (await post("/task_runs/", { task_key: key, dynamic_key: crypto.randomUUID(), state })).id;
}

/** A worker's side of a socket: its frames in order, and its close. */
interface Worker {
  readonly socket: WebSocket;
  /** Id of the next task run that it is sent. */
  next(): Promise<string>;
  readonly sent: string[];
  readonly closed: Promise<[code: number, reason: string]>;
}

async function connect(first?: unknown): Promise<Worker> {
  const url = `${server.apiUrl.replace("http", "ws")}/task_runs/subscriptions/scheduled`;
  const socket = new WebSocket(url, "prefect");
  sockets.push(socket);
  await once(socket, "open");
  const sent: string[] = [];
  const waiting: ((id: string) => void)[] = [];
  const greeted = once(socket, "message");
  socket.send('{"type": "auth", "token": null}');
  await greeted;
  socket.on("message", (data: Buffer) => {
    const { id } = JSON.parse(data.toString()) as { id: string };
    sent.push(id);
    waiting.shift()?.(id);
  });
  const closed = once(socket, "close").then(([code, reason]): [number, string] => [Number(code), String(reason)]);
  if (first !== undefined) socket.send(JSON.stringify(first));
  let taken = 0;
  const next = async (): Promise<string> => {
    await vi.waitFor(() => expect(sent.length).toBeGreaterThan(taken), { interval: 5, timeout: 5000 });
    return sent[taken++] ?? "";
  };
  return { socket, next, sent, closed };
}
const subscribe = (clientId: string, ...keys: string[]) => connect({ type: "subscribe", keys, client_id: clientId });
const say = (worker: Worker, type: string): void => worker.socket.send(JSON.stringify({ type }));
const queued = (): number => Number(server.core.store.query("SELECT count(*) AS n FROM task_queue", [])[0]?.["n"]);

test("a deferred task run is sent to the worker of its task, and is gone when that has acknowledged it", async () => {
  const early = await defer("a");
  const worker = await subscribe("w", "a");
  expect(await worker.next()).toBe(early);
  await defer("b");
  const late = await defer("a");
  say(worker, "ack");
  expect(await worker.next()).toBe(late);
  say(worker, "ack");
  await vi.waitFor(() => expect(queued()).toBe(1));
  expect(worker.sent).toEqual([early, late]);
});

test("a worker is sent the next run only after it has acknowledged the one before", async () => {
  const [first, second] = [await defer("a"), await defer("a")];
  const [slow, other] = [await subscribe("slow", "a"), await subscribe("other", "a")];
  expect([await slow.next(), await other.next()]).toEqual([first, second]);
  const third = await defer("a");
  say(other, "ack");
  expect(await other.next()).toBe(third);
  expect(slow.sent).toEqual([first]);
});

test.each(["quit", "nonsense"])(
  "a run that is answered with %s goes to another worker, before all others",
  async (answer) => {
    const first = await defer("a");
    const leaving = await subscribe("leaving", "a");
    expect(await leaving.next()).toBe(first);
    await defer("a");
    say(leaving, answer);
    const [code] = await leaving.closed;
    expect(code).toBe(answer === "quit" ? 1005 : 4001);
    expect(await (await subscribe("staying", "a")).next()).toBe(first);
  },
);

test("a run whose worker vanishes goes to another", async () => {
  const first = await defer("a");
  const vanishing = await subscribe("vanishing", "a");
  expect(await vanishing.next()).toBe(first);
  vanishing.socket.terminate();
  expect(await (await subscribe("staying", "a")).next()).toBe(first);
});

test("several workers of a task are served in turn", async () => {
  const workers = [await subscribe("x", "a"), await subscribe("y", "a"), await subscribe("z", "a")];
  for (const worker of workers) worker.socket.on("message", () => say(worker, "ack"));
  await vi.waitFor(async () => expect(await identifiers()).toEqual(["x", "y", "z"]));
  for (let round = 0; round < 9; round++) {
    await defer("a");
    await vi.waitFor(() => expect(queued()).toBe(0));
  }
  expect(workers.map(({ sent }) => sent.length)).toEqual([3, 3, 3]);
});

test("a run that is to be tried again comes before those that wait for their first try", async () => {
  await defer("a");
  const again = await defer("a", "AwaitingRetry");
  expect(await (await subscribe("w", "a")).next()).toBe(again);
});

test("what waits survives the server", async () => {
  const id = await defer("a");
  await server.close();
  server = await startServer({ port: 0, home: folder });
  expect(await (await subscribe("w", "a")).next()).toBe(id);
});

test("a run that was cancelled or deleted meanwhile is not sent", async () => {
  const [cancelled, deleted, open] = [await defer("a"), await defer("a"), await defer("a")];
  await post(`/task_runs/${cancelled}/set_state`, { state: { type: "CANCELLED" } });
  await server.core.handle({ method: "DELETE", path: `/api/task_runs/${deleted}` });
  const worker = await subscribe("w", "a");
  expect(await worker.next()).toBe(open);
  expect(queued()).toBe(1);
});

test("a worker that waits may quit", async () => {
  const worker = await subscribe("w", "a");
  await vi.waitFor(async () => expect(await identifiers()).toEqual(["w"]));
  say(worker, "quit");
  await worker.closed;
  await vi.waitFor(async () => expect(await identifiers()).toEqual([]));
});

async function identifiers(task_worker_filter?: { task_keys: string[] }): Promise<string[]> {
  const workers = (await post("/task_workers/filter", { task_worker_filter })) as unknown as { identifier: string }[];
  return workers.map(({ identifier }) => identifier).toSorted();
}

test("workers are listed, by their tasks too", async () => {
  await subscribe("one", "a", "b");
  await subscribe("two", "b");
  await vi.waitFor(async () => expect(await identifiers()).toEqual(["one", "two"]));
  expect(await identifiers({ task_keys: ["a"] })).toEqual(["one"]);
  expect(await identifiers({ task_keys: ["c"] })).toEqual([]);
});

test.each([
  [{ type: "ack" }, "Protocol violation: expected 'subscribe' message"],
  [{ type: "subscribe", client_id: "w" }, "Protocol violation: expected 'keys' in subscribe message"],
  [{ type: "subscribe", keys: [], client_id: "w" }, "Protocol violation: expected 'keys' in subscribe message"],
  [{ type: "subscribe", keys: ["a"] }, "Protocol violation: expected 'client_id' in subscribe message"],
])("a worker that begins with %j is turned away", async (first, reason) => {
  expect(await (await connect(first)).closed).toEqual([4001, reason]);
});
