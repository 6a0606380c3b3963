import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { serveHome, type Condition, type ServedHome } from "./served-home.ts";

/*
 * What brought the real Prefect server to its knees, sent to ours, which listens in a process of its own: every case is refused before the work, the
 * server answers others meanwhile, and its memory stays.
 */
let server: ServedHome;
let flowId: string;

beforeAll(async () => {
  server = await serveHome();
  flowId = (JSON.parse((await post("/flows/", { name: "hostile" })).text) as { id: string }).id;
  // The first requests load the application and the schemas; what is measured is a server at work.
  for (let round = 0; round < 300; round++) {
    await post("/flow_runs/", { flow_id: flowId });
    await post("/flow_runs/filter", { limit: 1 });
  }
  await post("/logs/", logLines(5000, 100));
  await post("/events", events(100, 100));
  await openAndSend("garbage");
});
afterAll(() => server.close());

vi.setConfig({ testTimeout: 60_000 });

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends a body as it is; resolves to the answer, also when the server gives it before it has read all. */
function send(path: string, body: string | Buffer, method = "POST"): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const sent = request(server.apiUrl + path, { method, headers, agent: false }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    response.once("error", reject);
  });
  // A refusal that came is what counts, whatever becomes of the rest that was being sent.
  sent.on("error", reject);
  sent.end(body);
  return promise;
}

function post(path: string, body: unknown): Promise<Answer> {
  return send(path, JSON.stringify(body));
}

function logLines(count: number, characters: number): unknown[] {
  const message = "x".repeat(characters);
  const timestamp = "2026-01-01T00:00:00.000000Z";
  return Array.from({ length: count }, () => ({ name: "n", level: 20, message, timestamp, flow_run_id: null }));
}

function events(count: number, characters: number): unknown[] {
  return Array.from({ length: count }, () => ({
    occurred: new Date().toISOString(),
    event: "hostile.event",
    resource: { "prefect.resource.id": "hostile" },
    payload: { text: "x".repeat(characters) },
    id: crypto.randomUUID(),
  }));
}

const nested = (depth: number): string => `{"name":${"[".repeat(depth)}${"]".repeat(depth)}}`;
const ids = (count: number): string[] => Array.from({ length: count }, () => crypto.randomUUID());
const keys = (count: number, prefix: string): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, 1]));

/** Short cases are sent again and again for this long, so that there is something to measure. */
const WATCH_MS = 1500;

/** The time between two hostile requests: what is measured is what one of them does to others, not how many the machine can take. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

/** A server that is held up answers after seconds or not at all; how fast it answers is measured by `npm run bench`, on a machine at rest. */
const HELD_UP_MS = 2000;

/** What a server grows by that keeps the largest of these bodies; collected garbage comes and goes below it. */
const KEPT_MB = 100;

function expectUnharmed({ healthP99Ms, rssGrowthMb }: Condition): void {
  expect(healthP99Ms).toBeLessThan(HELD_UP_MS);
  expect(rssGrowthMb).toBeLessThan(KEPT_MB);
}

test.each<[string, string, () => string | Buffer, number]>([
  ["what is no JSON", "/flows/", () => '{"name":', 422],
  ["another type", "/flows/", () => "[]", 422],
  ["what is no UTF-8", "/flows/", () => Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400],
  ["NaN", "/variables/", () => '{"name":"a","value":NaN}', 422],
  ["1e400", "/variables/", () => '{"name":"a","value":1e400}', 422],
  ["an integer of 5,000 digits", "/variables/", () => `{"name":"a","value":${"1".repeat(5000)}}`, 422],
  ["arrays nested 1,000 deep", "/flows/", () => nested(1000), 422],
  ["arrays nested 20,000 deep", "/flows/", () => nested(20_000), 422],
  ["arrays nested 500,000 deep", "/flows/", () => nested(500_000), 422],
  ["an unpaired surrogate", "/flows/", () => String.raw`{"name":"\ud800"}`, 422],
  ["NUL", "/flows/", () => String.raw`{"name":"a\u0000"}`, 422],
  ["a name of an object's prototype", "/variables/", () => '{"name":"a","value":{"__proto__":{"x":1}}}', 422],
  ["parameters of 20 MB", "/flow_runs/", () => `{"flow_id":"x","parameters":{"a":"${"x".repeat(20_000_000)}"}}`, 413],
  ["parameters of 100 MB", "/flow_runs/", () => `{"flow_id":"x","parameters":{"a":"${"x".repeat(100_000_000)}"}}`, 413],
  [
    "a variable with 100,000 names",
    "/variables/",
    () => `{"name":"a","value":${JSON.stringify(keys(100_000, "key"))}}`,
    413,
  ],
  [
    "a variable with 50,000 names",
    "/variables/",
    () => `{"name":"a","value":${JSON.stringify(keys(50_000, "k"))}}`,
    422,
  ],
  ["50,000 log lines of 10 MB", "/logs/", () => JSON.stringify(logLines(50_000, 120)), 413],
  ["50,001 log lines", "/logs/", () => `[${"1,".repeat(50_000)}1]`, 422],
  [
    "a filter of 60,000 ids",
    "/flow_runs/filter",
    () => JSON.stringify({ flow_runs: { id: { any_: ids(60_000) } } }),
    413,
  ],
  [
    "a filter of 20,000 ids",
    "/flow_runs/filter",
    () => JSON.stringify({ flow_runs: { id: { any_: ids(20_000) } } }),
    422,
  ],
  ["1,000 events of 50 kB", "/events", () => JSON.stringify(events(1000, 50_000)), 413],
])("%s: refused before the work", async (...[, path, make, status]) => {
  const body = make();
  const condition = await server.watch(async () => {
    expect((await send(path, body)).status).toBe(status);
    await pause();
  }, WATCH_MS);
  expectUnharmed(condition);
});

test.each<[string, string, () => unknown, number]>([
  ["a filter of 10,000 ids", "/flow_runs/filter", () => ({ flow_runs: { id: { any_: ids(10_000) } } }), 200],
  ["20,000 log lines of 4 MB", "/logs/", () => logLines(20_000, 80), 201],
  ["1,000 events of 100 B", "/events", () => events(1000, 100), 204],
])("%s: taken, and others are answered meanwhile", async (...[, path, make, status]) => {
  const body = JSON.stringify(make());
  const condition = await server.watch(async () => {
    expect((await send(path, body)).status).toBe(status);
    await pause();
  }, WATCH_MS);
  expect(condition.healthP99Ms).toBeLessThan(HELD_UP_MS);
});

/** Opens connections that send half a request and then nothing. */
async function openHalf(count: number, half: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index++) {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => undefined).resume();
    socket.write(half);
    sockets.push(socket);
    if (index % 50 === 49) await once(socket, "connect");
  }
  return sockets;
}

async function untilClosed(sockets: readonly Socket[], timeLimitMs: number): Promise<number> {
  const closed = sockets.filter((socket) => !socket.closed).map((socket) => once(socket, "close"));
  const limit = new Promise((resolve) => setTimeout(resolve, timeLimitMs).unref());
  await Promise.race([Promise.all(closed), limit]);
  return sockets.filter((socket) => socket.closed).length;
}

test.each([
  ["half-sent headers", "POST /api/flows/ HTTP/1.1\r\nHost: a\r\nX-Slow: ", 13_000],
  ["half-sent bodies", "POST /api/flows/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{", 4_000],
])("1,000 connections with %s are dropped in time", async (what, half, timeLimitMs) => {
  let sockets: Socket[] = [];
  let closed = 0;
  const condition = await server.watch(async () => {
    sockets = await openHalf(1000, half);
    closed = await untilClosed(sockets, timeLimitMs);
  });
  for (const socket of sockets) socket.destroy();
  // All but 200 of an address within two seconds; those with half their headers all within ten.
  expect(closed).toBeGreaterThanOrEqual(what === "half-sent headers" ? 1000 : 800);
  expectUnharmed(condition);
});

/** Opens a websocket for events, sends frames, and resolves to the code with which it is closed. */
async function openAndSend(frame: string | Buffer, times = 1): Promise<unknown> {
  const socket = new WebSocket(`${server.apiUrl.replace("http", "ws")}/events/in`);
  const closed = once(socket, "close");
  await once(socket, "open");
  for (let sent = 0; sent < times; sent++) socket.send(frame);
  return (await closed)[0] as unknown;
}

test("300 websockets with garbage are closed, each at its first frame", async () => {
  let codes: unknown[] = [];
  const condition = await server.watch(async () => {
    codes = await Promise.all(Array.from({ length: 300 }, () => openAndSend("garbage", 20)));
    await pause();
  }, WATCH_MS);
  expect(new Set(codes)).toEqual(new Set([1003]));
  expectUnharmed(condition);
  expect(server.log()).toBe("");
});

test("a frame of 30 MB closes its websocket", async () => {
  let code: unknown;
  const frame = Buffer.alloc(30_000_000, 120);
  const condition = await server.watch(async () => {
    code = await openAndSend(frame);
    await pause();
  }, WATCH_MS);
  expect(code).toBe(1009);
  expectUnharmed(condition);
});

test.each(["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/flows/..%2fhealth"])(
  "the path %s leads nowhere",
  async (path) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.write(`GET /api${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 404/);
    socket.destroy();
  },
);

test("20,000 requests sent at once over one connection that is not read do not fill the memory", async () => {
  const condition = await server.watch(async () => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => undefined).pause();
    await once(socket, "connect");
    const asked = "GET /api/admin/settings HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (let portion = 0; portion < 20; portion++) socket.write(asked.repeat(1000));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    socket.destroy();
  });
  expectUnharmed(condition);
});
