import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "../index.ts";

let folder: string;
let server: RunningServer;
const sockets: WebSocket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-channel-"));
  server = await startServer({ port: 0, home: folder });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await server.close();
  rmSync(folder, { recursive: true });
});

// Bodies of many shapes: each test knows its own.
async function api(method: string, path: string, body: object = {}): Promise<Record<string, unknown>> {
  const answer = await fetch(server.apiUrl + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(method === "GET" || method === "DELETE" ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return text === "" ? {} : JSON.parse(text);
}

const frame = (type: string, payload: object) => ({ type, id: randomUUID(), sent_at: "2026-01-01T00:00:00Z", payload });
const hello = (rest: object = {}) =>
  frame("worker.hello.v1", {
    consumer_id: randomUUID(),
    worker_name: "w",
    worker_type: "process",
    heartbeat_interval_seconds: 30,
    supported_channel_versions: ["work_pool_worker_channel.v1"],
    requested_capabilities: ["worker_heartbeat.v1", "work_pool_snapshot.v1"],
    create_pool_if_not_found: true,
    ...rest,
  });

/** A greeted socket, and what comes from it: frames, then the code and reason of its close. */
class Worker {
  readonly #socket: WebSocket;
  readonly #heard: unknown[] = [];
  #wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#hear(JSON.parse(data.toString())));
    socket.on("close", (code, reason) => this.#hear([code, reason.toString()]));
  }

  static async connect(pool: string): Promise<Worker> {
    const url = `${server.apiUrl.replace("http", "ws")}/work_pools/${pool}/workers/connect`;
    const socket = new WebSocket(url, ["prefect"]);
    sockets.push(socket);
    const worker = new Worker(socket);
    await once(socket, "open");
    worker.send({ type: "auth", token: null });
    expect(await worker.next()).toEqual({ type: "auth_success" });
    return worker;
  }

  send(value: object | string): void {
    this.#socket.send(typeof value === "string" ? value : JSON.stringify(value));
  }

  async next(): Promise<unknown> {
    while (this.#heard.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#heard.shift();
  }

  #hear(value: unknown): void {
    this.#heard.push(value);
    this.#wake();
  }
}

async function opened(pool: string, rest: object = {}): Promise<{ worker: Worker; ready: unknown }> {
  const worker = await Worker.connect(pool);
  worker.send(hello(rest));
  return { worker, ready: await worker.next() };
}

test("a worker is shown its pool, which is made, and each change of it", async () => {
  const { worker, ready } = await opened("made");
  expect(ready).toMatchObject({
    type: "worker.ready.v1",
    payload: {
      worker_id: null,
      accepted_capabilities: ["worker_heartbeat.v1", "work_pool_snapshot.v1"],
      effective_max_cleanup_concurrency: 0,
      resolved_work_queues: [{ name: "default" }],
      initial_snapshot: { snapshot_sequence: 1, reason: "initial", work_pool: { name: "made", status: "READY" } },
    },
  });
  await api("PATCH", "/work_pools/made", { concurrency_limit: 3 });
  expect(await worker.next()).toMatchObject({
    type: "work_pool.snapshot.v1",
    payload: {
      snapshot_sequence: 2,
      reason: "work_pool_updated",
      work_pool: { concurrency_limit: 3, active_slots: 0 },
    },
  });
  await api("DELETE", "/work_pools/made");
  expect(await worker.next()).toEqual([1008, "authorization_failed"]);
});

test("a heartbeat is kept, and answered with what changed unheard", async () => {
  const consumer_id = randomUUID();
  const { worker } = await opened("beaten", { consumer_id });
  await api("PATCH", "/work_pools/beaten", { description: "told to nobody" });
  const beat = { consumer_id, worker_name: "w", heartbeat_interval_seconds: 7 };
  worker.send(frame("worker.heartbeat.v1", beat));
  expect(await worker.next()).toMatchObject({ payload: { reason: "heartbeat_reconciliation" } });
  expect(await api("POST", "/work_pools/beaten/workers/filter")).toMatchObject([
    { name: "w", status: "ONLINE", heartbeat_interval_seconds: 7 },
  ]);
  worker.send(frame("worker.heartbeat.v1", { ...beat, worker_name: "somebody else" }));
  expect(await worker.next()).toEqual([1002, "protocol_error"]);
});

test.each([
  ["of a pool that is not there", "none", { create_pool_if_not_found: false }, [1008, "authorization_failed"]],
  ["of a reserved name", "prefect-x", {}, [1008, "authorization_failed"]],
  ["of another version", "p", { supported_channel_versions: ["v9"] }, [1008, "unsupported_version"]],
  ["of a queue that is not there", "p", { work_queue_names: ["nope"] }, [1008, "authorization_failed"]],
  [
    "without what every worker must do",
    "p",
    { requested_capabilities: ["worker_heartbeat.v1"] },
    [1002, "protocol_error"],
  ],
  ["that says more than it may", "p", { more: 1 }, [1002, "protocol_error"]],
  ["with a template that is none", "q", { default_base_job_template: { a: 1 } }, [1002, "protocol_error"]],
])("a hello %s is refused", async (...[, pool, rest, close]) => {
  expect((await opened(pool, rest)).ready).toEqual(close);
});

test("what comes before the hello, and a second hello, break the protocol", async () => {
  const early = await Worker.connect("p");
  early.send("no JSON");
  expect(await early.next()).toEqual([1002, "protocol_error"]);
  const { worker } = await opened("p");
  worker.send(hello());
  expect(await worker.next()).toEqual([1002, "protocol_error"]);
});

test("a pool without a template is given the worker's", async () => {
  await api("POST", "/work_pools/", { name: "bare", type: "process" });
  const template = { job_configuration: { c: "{{ x }}" }, variables: { properties: { x: { type: "string" } } } };
  const { ready } = await opened("bare", { default_base_job_template: template });
  expect(ready).toMatchObject({ payload: { initial_snapshot: { work_pool: { base_job_template: template } } } });
});

test("an act on a message that is not the worker's is answered, and changes nothing", async () => {
  const { worker } = await opened("p");
  const claim = { message_id: randomUUID(), reservation_token: "x" };
  worker.send(frame("cleanup.ack.v1", claim));
  expect(await worker.next()).toMatchObject({
    type: "cleanup.operation_result.v1",
    payload: { operation: "ack", status: "unauthorized", reason: "cleanup_delivery_not_accepted" },
  });
  const requested_capabilities = ["worker_heartbeat.v1", "work_pool_snapshot.v1", "cleanup_delivery.v1", "odd.v1"];
  const cleaner = await opened("p", {
    requested_capabilities,
    handled_cleanup_kinds: ["cancelling_timeout_teardown.v1"],
  });
  expect(cleaner.ready).toMatchObject({
    payload: { effective_max_cleanup_concurrency: 1, rejected_capabilities: ["odd.v1"] },
  });
  cleaner.worker.send(frame("cleanup.release.v1", { ...claim, reason: "busy" }));
  expect(await cleaner.worker.next()).toMatchObject({ payload: { status: "not_found", reason: "message_not_found" } });
});
