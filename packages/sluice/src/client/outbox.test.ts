import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HttpTransport } from "./http-transport.ts";
import { OutboxTransport } from "./outbox.ts";
import type { TryClaim } from "./spool.ts";

const LIMIT_MS = 30_000;
let directory: string;
let server: FlakyServer;
const outboxes: OutboxTransport[] = [];

/** A real server that can go away and come back on the same port. */
class FlakyServer {
  readonly bodies: string[] = [];
  refuse = "";
  #server = createServer();
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}/api`;
  }

  async up(): Promise<void> {
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        const isRefused = body !== "" && body === this.refuse;
        if (!isRefused) this.bodies.push(body);
        response.writeHead(isRefused ? 422 : 200).end('{"verdicts":[{}]}');
      });
    }).listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (typeof address === "object" && address !== null) this.#port = address.port;
  }

  async down(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "sluice-outbox-"));
  server = new FlakyServer();
  await server.up();
});
afterEach(async () => {
  await Promise.all(outboxes.splice(0).map((outbox) => outbox.close()));
  await server.down();
  rmSync(directory, { recursive: true, force: true });
});

/** Claims within this process, by name: what the lock of the kernel is between processes. */
function claims(): TryClaim {
  const held = new Set<string>();
  return (file) => {
    const key = file.replace(".new/", "/");
    if (held.has(key)) return undefined;
    held.add(key);
    return { release: () => void held.delete(key) };
  };
}

function open(
  options: { readonly tryClaim?: TryClaim; readonly limitBytes?: number; readonly told?: string[] } = {},
): OutboxTransport {
  const outbox = new OutboxTransport({
    patient: new HttpTransport({ url: server.url }, { retryForMs: 0 }),
    quick: new HttpTransport({ url: server.url }, { retryForMs: 0 }),
    directory,
    target: server.url,
    processId: crypto.randomUUID(),
    limitBytes: options.limitBytes ?? 1e6,
    tryClaim: options.tryClaim ?? claims(),
    onTrouble: (message) => options.told?.push(message),
  });
  outboxes.push(outbox);
  return outbox;
}

const records = (body: string) => ({ method: "POST", path: "/api/sluice/run-records", body }) as const;
const files = () => readdirSync(directory, { recursive: true }).filter((name) => String(name).includes(".req"));
const delivered = (bodies: readonly string[]) =>
  vi.waitFor(() => expect(server.bodies, "bodies at the server").toEqual(bodies), { timeout: LIMIT_MS, interval: 20 });

describe("OutboxTransport", { timeout: 2 * LIMIT_MS }, () => {
  test("passes the server's answer on while the server is there, and touches no disk", async () => {
    expect(await open().send(records("1"))).toEqual({ status: 200, body: '{"verdicts":[{}]}' });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("takes records while the server is away and delivers them in order on its return", async () => {
    const told: string[] = [];
    const outbox = open({ told });
    await server.down();
    for (const body of ["1", "2", "3"])
      expect(await outbox.send(records(body))).toEqual({ status: 202, body: '{"verdicts":[]}' });
    expect(told).toEqual([expect.stringContaining("does not answer")]);
    await server.up();
    await delivered(["1", "2", "3"]);
    await vi.waitFor(async () => expect((await outbox.send(records("4"))).status).toBe(200), { timeout: LIMIT_MS });
    expect(files()).toEqual([]);
  });

  test("does not spool what needs the server's own answer", async () => {
    const outbox = open();
    await server.down();
    await expect(outbox.send({ method: "POST", path: "/api/flow_runs/filter", body: "{}" })).rejects.toMatchObject({
      code: "SLUICE_API_UNREACHABLE",
    });
  });

  test("makes senders wait when the spool is full", async () => {
    const outbox = open({ limitBytes: 10 });
    await server.down();
    expect((await outbox.send(records("12345678"))).status).toBe(202);
    expect(await outbox.send(records("90123"))).toMatchObject({ status: 503, body: expect.stringContaining("full") });
  });

  test("keeps a refused request aside and delivers the rest", async () => {
    const told: string[] = [];
    const outbox = open({ told });
    await server.down();
    for (const body of ["1", "bad", "3"]) await outbox.send(records(body));
    server.refuse = "bad";
    await server.up();
    await delivered(["1", "3"]);
    expect(files()).toEqual([expect.stringContaining(".req.refused")]);
    expect(told.at(-1)).toContain("422");
  });

  test("leaves what it cannot send for the next process, which delivers and removes it", async () => {
    const tryClaim = claims();
    const first = open({ tryClaim });
    await server.down();
    await first.send(records("1"));
    await first.close();
    await server.up();
    open({ tryClaim });
    await delivered(["1"]);
    await vi.waitFor(() => expect(files()).toEqual([]), { timeout: LIMIT_MS });
  });

  test("leaves the spool of a living process alone", async () => {
    const tryClaim = claims();
    const living = open({ tryClaim });
    await server.down();
    await living.send(records("1"));
    const other = open({ tryClaim });
    await other.send(records("2"));
    await server.up();
    await vi.waitFor(() => expect(server.bodies.toSorted()).toEqual(["1", "2"]), { timeout: LIMIT_MS });
  });
});
