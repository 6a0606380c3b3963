import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "../index.ts";
import { textOf } from "./greeting.ts";

let folder: string;
let server: RunningServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-streams-"));
  server = await startServer({ port: 0, home: folder });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function post(path: string, body: unknown): Promise<void> {
  const answer = await server.core.handle({ method: "POST", path: `/api${path}`, body: JSON.stringify(body) });
  expect(answer.status, answer.body).toBeLessThan(300);
}

function event(name: string, related: string[] = []) {
  return {
    id: crypto.randomUUID(),
    occurred: new Date().toISOString(),
    event: name,
    resource: { "prefect.resource.id": `thing.${name}` },
    related: related.map((id) => ({ "prefect.resource.id": id, "prefect.resource.role": "owner" })),
  };
}

/** Frames in the order in which they come. */
class Frames {
  readonly socket: WebSocket;
  readonly #frames: unknown[] = [];
  #wake: (() => void) | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      this.#frames.push(JSON.parse(textOf(data)));
      this.#wake?.();
    });
  }

  static async open(path: string, first: unknown): Promise<Frames> {
    const frames = new Frames(new WebSocket(server.apiUrl.replace("http", "ws") + path, ["prefect"]));
    await once(frames.socket, "open");
    frames.socket.send(JSON.stringify({ type: "auth", token: null }));
    expect(await frames.next()).toEqual({ type: "auth_success" });
    frames.socket.send(JSON.stringify(first));
    return frames;
  }

  async next(): Promise<unknown> {
    while (this.#frames.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#frames.shift();
  }
}

const named = (name: string) =>
  expect.objectContaining({ type: "event", event: expect.objectContaining({ event: name }) });

test("a stream begins with what has happened, goes on with what happens, and leaves out what is not asked for", async () => {
  await post("/events", [event("old.one", ["flow.1"]), event("old.two")]);
  const stream = await Frames.open("/events/out", { type: "filter", filter: { related: { id: ["flow.1"] } } });
  expect(await stream.next()).toEqual(named("old.one"));
  await post("/events", [event("new.one"), event("new.two", ["flow.1"])]);
  expect(await stream.next()).toEqual(named("new.two"));
  await post("/events", [event("new.three", ["flow.1"])]);
  expect(await stream.next()).toEqual(named("new.three"));
  stream.socket.terminate();
});

test("every event comes once and in order, however many happen while the stream begins", async () => {
  const before = Array.from({ length: 600 }, (_, index) => event(`before.${index}`));
  await post("/events", before);
  const stream = await Frames.open("/events/out", { type: "filter", filter: {} });
  await post("/events", [event("after.one")]);
  const seen: string[] = [];
  for (let index = 0; index <= before.length; index++) {
    const frame = (await stream.next()) as { event: { id: string } };
    seen.push(frame.event.id);
  }
  expect(new Set(seen).size).toBe(before.length + 1);
  expect(new Set(seen).isSupersetOf(new Set(before.map(({ id }) => id)))).toBe(true);
  await post("/events", [event("last")]);
  expect(await stream.next()).toEqual(named("last"));
  stream.socket.terminate();
});

test("lines of logs are streamed as they come, by their filter", async () => {
  const line = (message: string, level: number) => ({
    name: "n",
    level,
    message,
    timestamp: new Date().toISOString(),
    flow_run_id: null,
  });
  await post("/logs/", [line("before", 40)]);
  const stream = await Frames.open("/logs/out", { type: "filter", filter: { level: { ge_: 30 } } });
  // The stream begins when the server has read the filter: lines are written until the first of them comes.
  const writing = setInterval(() => void post("/logs/", [line("debug", 10), line("warning", 30)]), 5);
  const first = await stream.next();
  clearInterval(writing);
  expect(first).toMatchObject({ type: "log", log: { message: "warning", level: 30 } });
  stream.socket.terminate();
});

test.each([
  [{ type: "hello" }, /Expected 'filter' message/],
  [{ type: "filter", filter: { nope: 1 } }, /Invalid filter/],
])("a first frame %j closes the socket with 1002", async (first, reason) => {
  const stream = await Frames.open("/events/out", first);
  const [code, text] = (await once(stream.socket, "close")) as [number, Buffer];
  expect(code).toBe(1002);
  expect(String(text)).toMatch(reason);
});
