import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PortTransport } from "../client/port-transport.ts";
import { loadSettings } from "../client/settings.ts";
import { ServerCore } from "../server/server-core.ts";
import { openHome } from "./home.ts";
import { tryLeaderLock } from "./leader-lock.ts";

const WRITER = fileURLToPath(new URL("./home-writer.fixture.ts", import.meta.url));
/** Start of a process on a busy machine, many times over. */
const SLOW_MS = 60_000;
const health = { method: "GET", path: "/api/health" } as const;

let home: string;
let writers: Writer[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-home-"));
  writers = [];
});
afterEach(async () => {
  for (const writer of writers) writer.child.kill("SIGKILL");
  await Promise.all(writers.map((writer) => writer.ended));
  rmSync(home, { recursive: true, force: true });
});

const open = (directory = home) => openHome(loadSettings({ SLUICE_HOME: directory }));

interface Writer {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly acks: { readonly records: number; readonly tookMs: number }[];
  readonly roles: string[];
  stderr: string;
}

/** Starts a process of the home that writes batches and tells of each acknowledgement. */
function write(batches: number, size: number, settings: Readonly<Record<string, string>> = {}): Writer {
  const env = { ...process.env, SLUICE_HOME: home, ...settings };
  const child = spawn(process.execPath, [WRITER, String(batches), String(size)], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const writer: Writer = { child, ended: once(child, "close"), acks: [], roles: [], stderr: "" };
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [word, first = "", second = ""] = line.split(" ");
      if (word === "role") writer.roles.push(first);
      else writer.acks.push({ records: Number(first), tookMs: Number(second) });
    }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (writer.stderr += text));
  writers.push(writer);
  return writer;
}

const acknowledged = (...of: Writer[]) =>
  of.flatMap((writer) => writer.acks).reduce((sum, ack) => sum + ack.records, 0);
const until = (what: string, holds: () => boolean) =>
  vi.waitFor(() => expect(holds(), what).toBe(true), { timeout: SLOW_MS, interval: 20 });

/** Rows in the database, once nobody leads. */
function stored(where = "1"): number {
  const database = new DatabaseSync(join(home, "sluice.db"));
  try {
    return Number(database.prepare(`SELECT count(*) AS n FROM task_run WHERE ${where}`).get()?.["n"]);
  } finally {
    database.close();
  }
}

describe("a home with one process", { timeout: SLOW_MS }, () => {
  test("is led by it, closed to others, and given up by close", async () => {
    const opened = await open();
    expect(opened.role()).toBe("leader");
    expect(await opened.transport.send(health)).toEqual({ status: 200, body: "true" });
    await until("the socket is there", () => existsSync(opened.socketPath ?? ""));
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect([
      mode(home),
      mode(opened.socketPath ?? ""),
      mode(join(home, "sluice.db")),
      mode(join(home, "leader.lock")),
    ]).toEqual([0o700, 0o600, 0o600, 0o600]);
    await Promise.all([opened.close(), opened.close()]);
    expect(existsSync(opened.socketPath ?? "")).toBe(false);
    const lock = tryLeaderLock(join(home, "leader.lock"));
    expect(lock).toBeDefined();
    lock?.release();
  });

  test("registers the process and removes it on close", async () => {
    const opened = await open();
    await opened.transport.send(health);
    const processes = () => {
      const database = new DatabaseSync(join(home, "sluice.db"), { readOnly: true });
      const rows = database.prepare("SELECT id, pid FROM process").all();
      database.close();
      return rows;
    };
    expect(processes()).toEqual([{ id: opened.processId, pid: process.pid }]);
    await opened.close();
    expect(processes()).toEqual([]);
  });

  test("answers thread workers over ports of their own", async () => {
    const opened = await open();
    const transport = new PortTransport(opened.connectPort());
    expect((await transport.send(health)).status).toBe(200);
    await transport.close();
    await opened.close();
  });

  test("tells a process which of its runs are to be cancelled", async () => {
    const opened = await open();
    const id = crypto.randomUUID();
    const run = { name: "r", flow_name: "f", parameters: {} };
    const records = [{ kind: "flow", id, base: 0, transitions: [["RUNNING", "Running", Date.now() * 1000]], run }];
    const post = (path: string, body: unknown) =>
      opened.transport.send({ method: "POST", path, body: JSON.stringify(body) });
    await post("/api/sluice/run-records", { process_id: opened.processId, records });
    const heard: string[] = [];
    const end = opened.onNotice((notice) => heard.push(...notice.cancelling));
    const answer = await post(`/api/flow_runs/${id}/set_state`, { state: { type: "CANCELLING", name: "Cancelling" } });
    expect(answer.status).toBe(201);
    await until("the notice is there", () => heard.includes(id));
    end();
    await opened.close();
  });

  test("lets a script end by itself, without close", async () => {
    const writer = write(1, 1);
    const [code] = await once(writer.child, "exit");
    expect([code, writer.stderr, writer.roles]).toEqual([0, "", ["leader", "leader"]]);
    await writer.ended;
    expect(stored()).toBe(2);
  });

  test("puts the socket into a short directory of the owner's when its own path is too long", async () => {
    const long = join(home, "x".repeat(120));
    const opened = await open(long);
    const socketPath = opened.socketPath ?? "";
    expect(Buffer.byteLength(socketPath)).toBeLessThanOrEqual(100);
    await until("the socket is there", () => existsSync(socketPath));
    expect(statSync(join(socketPath, "..")).mode & 0o777).toBe(0o700);
    await opened.close();
    rmSync(join(socketPath, ".."), { recursive: true });
  });
});

describe("openHome", { timeout: SLOW_MS }, () => {
  test("refuses a home that cannot be a directory, at once and by name", async () => {
    const file = join(home, "file");
    writeFileSync(file, "");
    await expect(open(file)).rejects.toMatchObject({
      code: "SLUICE_HOME_UNWRITABLE",
      message: expect.stringContaining(file),
    });
  });

  test("passes on what is wrong with the database, and leaves the home to others", async () => {
    mkdirSync(join(home, "sluice.db"));
    await expect(open()).rejects.toMatchObject({ code: "SLUICE_HOME_UNWRITABLE" });
    const lock = tryLeaderLock(join(home, "leader.lock"));
    expect(lock).toBeDefined();
    lock?.release();
  });

  test("refuses a database that is no SQLite file without quoting its address", async () => {
    const settings = loadSettings({ SLUICE_HOME: home, SLUICE_DATABASE_URL: "postgres://u:secret@h/d" });
    await expect(openHome(settings)).rejects.toMatchObject({
      code: "SLUICE_OPTION_INVALID",
      message: expect.not.stringContaining("secret"),
    });
  });
});

describe("a home with several processes", { timeout: 2 * SLOW_MS }, () => {
  test("takes every record of ten processes that write at once", async () => {
    const ten = Array.from({ length: 10 }, () => write(20, 25));
    await Promise.all(ten.map((writer) => writer.ended));
    expect(ten.map((writer) => [writer.child.exitCode, writer.stderr])).toEqual(ten.map(() => [0, ""]));
    expect(acknowledged(...ten)).toBe(10 * (1 + 20 * 25));
    expect(stored()).toBe(10 * (1 + 20 * 25));
  });

  test("is led by another within a second of its leader's death, and loses nothing acknowledged", async () => {
    const leader = write(0, 20);
    await until("the leader writes", () => leader.acks.length > 2);
    const followers = [write(0, 20), write(0, 20)];
    await until("the followers write", () => followers.every((writer) => writer.acks.length > 5));
    const before = followers.map((writer) => writer.acks.length);
    leader.child.kill("SIGKILL");
    await leader.ended;
    await until("the followers write again", () =>
      followers.every((writer, i) => writer.acks.length > (before[i] ?? 0) + 5),
    );
    // The longest wait is the one over the takeover; a second is the promise, the rest is room for a busy machine.
    const waits = followers.map((writer, i) => Math.max(...writer.acks.slice(before[i]).map((ack) => ack.tookMs)));
    expect(Math.max(...waits)).toBeLessThan(3_000);
    for (const writer of followers) writer.child.kill("SIGKILL");
    await Promise.all(followers.map((writer) => writer.ended));
    expect([leader, ...followers].map((writer) => writer.stderr)).toEqual(["", "", ""]);
    expect(stored()).toBeGreaterThanOrEqual(acknowledged(leader, ...followers));
    expect(stored("state_type = 'CRASHED'")).toBe(1);
  });

  test("is handed over by a leader that closes, without a failed request", async () => {
    const leader = await open();
    const follower = write(0, 20);
    await until("the follower writes", () => follower.acks.length > 3);
    expect(follower.roles).toEqual(["follower"]);
    await leader.close();
    const before = follower.acks.length;
    await until("the follower writes on", () => follower.acks.length > before + 3);
    const second = await open();
    expect(second.role()).toBe("follower");
    expect((await second.transport.send(health)).status).toBe(200);
    await second.close();
    follower.child.kill("SIGKILL");
    await follower.ended;
    expect(follower.stderr).toBe("");
    expect(stored()).toBeGreaterThanOrEqual(acknowledged(follower));
  });
});

describe("a home with a remote server", { timeout: 2 * SLOW_MS }, () => {
  /** A whole server, with a database of its own, on a port that it can come back to. */
  async function serve(port = 0) {
    const core = ServerCore.open({ databaseFile: join(home, "remote.db") });
    const server = createServer((request, response) => {
      text(request)
        .then((body) => core.handle({ method: request.method ?? "", path: request.url ?? "", body }))
        .then(({ status, body }) => response.writeHead(status).end(body))
        .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    }).listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const bound = typeof address === "object" && address !== null ? address.port : 0;
    const close = async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      await core.close();
    };
    const count = () => Number(core.store.query("SELECT count(*) AS n FROM task_run", [])[0]?.["n"]);
    return { url: `http://127.0.0.1:${String(bound)}/api`, port: bound, close, count };
  }

  test("forwards to it and leads nothing", async () => {
    const server = await serve();
    const opened = await openHome(loadSettings({ SLUICE_HOME: home, SLUICE_API_URL: server.url }));
    expect([opened.role(), opened.socketPath, opened.address]).toEqual(["remote", null, { url: server.url }]);
    expect((await opened.transport.send(health)).body).toBe("true");
    await opened.close();
    expect(existsSync(join(home, "sluice.db"))).toBe(false);
    await server.close();
  });

  test("keeps the records of a process that dies while the server is away, and the next process sends them", async () => {
    const before = await serve();
    await before.close();
    const settings = { SLUICE_HOME: home, SLUICE_API_URL: before.url, SLUICE_API_RETRY_SECONDS: "0" };
    const writer = write(0, 5, settings);
    await until("records are taken", () => writer.acks.length > 4);
    writer.child.kill("SIGKILL");
    await writer.ended;
    expect(writer.stderr).toContain("their records are kept in");
    const after = await serve(before.port);
    const next = await openHome(loadSettings(settings));
    await until("all that was taken has arrived", () => after.count() >= acknowledged(writer));
    await until("the spool is gone", () => readdirSync(join(home, "outbox"), { recursive: true }).length === 1);
    await next.close();
    await after.close();
  });
});
