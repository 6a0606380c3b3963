import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "../index.ts";

let folder: string;
let server: RunningServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-limits-"));
  server = await startServer({ port: 0, home: folder });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Writes bytes as they are, and resolves to what the server said until it was silent: the status and the body. */
async function raw(...parts: readonly (string | Buffer)[]): Promise<{ status: number; text: string; socket: Socket }> {
  const socket = connect(server.port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  for (const part of parts) socket.write(part);
  while (!/\r\n\r\n[\s\S]/.test(text)) await once(socket, "data");
  return { status: Number(text.slice(9, 12)), text, socket };
}

const head = (lines: readonly string[], path = "/api/flows/"): string =>
  [`POST ${path} HTTP/1.1`, "Host: localhost", "Content-Type: application/json", ...lines, "", ""].join("\r\n");

test("a body that says it is too long is refused before a byte of it was sent", async () => {
  const { status, text, socket } = await raw(head(["Content-Length: 1048577"]));
  expect(status).toBe(413);
  expect(text).toContain("1048576 bytes");
  socket.destroy();
});

test("a body of chunks is refused as soon as it is too long", async () => {
  const chunk = `${(65_536).toString(16)}\r\n${" ".repeat(65_536)}\r\n`;
  const { status, socket } = await raw(
    head(["Transfer-Encoding: chunked"]),
    ...Array.from({ length: 17 }, () => chunk),
  );
  expect(status).toBe(413);
  socket.destroy();
});

test("batches may be longer than other bodies", async () => {
  const message = "x".repeat(1000);
  const lines = Array.from({ length: 4000 }, () => ({
    name: "n",
    level: 20,
    message,
    timestamp: "2026-01-01T00:00:00Z",
  }));
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(lines);
  expect((await fetch(`${server.apiUrl}/logs/`, { method: "POST", body, headers })).status).toBe(201);
  expect((await fetch(`${server.apiUrl}/flows/`, { method: "POST", body, headers })).status).toBe(413);
});

test("a client that asks before it sends is answered at once, and its connection closed", async () => {
  const { status, text } = await raw(head(["Content-Length: 9000000", "Expect: 100-continue"]));
  expect(status).toBe(413);
  expect(text).toMatch(/\r\nconnection: close\r\n/i);
});

test("a client that asks before it sends is let send what may be sent", async () => {
  const socket = connect(server.port, "127.0.0.1");
  socket.write(head(["Content-Length: 12", "Expect: 100-continue"]));
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(first.toString()).toMatch(/^HTTP\/1.1 100 Continue/);
  socket.write('{"name":"a"}');
  const [second] = (await once(socket, "data")) as [Buffer];
  expect(second.toString()).toMatch(/^HTTP\/1.1 201/);
  socket.destroy();
});

test.each([
  ["a path that is too long", `GET /api/${"a".repeat(8192)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ["an address as a path", "GET http://evil.example/api/flows HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  [
    "too many headers",
    `GET /api/health HTTP/1.1\r\nHost: a\r\n${Array.from({ length: 100 }, (_, index) => `x-${index}: 1\r\n`).join("")}\r\n`,
    431,
  ],
  ["headers that are too long", `GET /api/health HTTP/1.1\r\nHost: a\r\nx: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ["what is no request", "\x16\x03\x01 hello\r\n\r\n", 400],
  ["a body that is no UTF-8", Buffer.from(`${head(["Content-Length: 12"])}{"name":"a\xff"}`, "latin1"), 400],
  ["a compressed body", head(["Content-Length: 12", "Content-Encoding: gzip"]), 415],
  ["two lengths", head(["Content-Length: 12", "Transfer-Encoding: chunked"]), 400],
])("%s is refused with a reason", async (_what, bytes, expected) => {
  const { status, text, socket } = await raw(bytes);
  expect(status).toBe(expected);
  expect(text).toMatch(/\{"detail":"[^"]{10,}/);
  socket.destroy();
});

test("a form is no JSON, whatever it holds", async () => {
  const body = new URLSearchParams({ '{"name":"a"}': "" });
  expect((await fetch(`${server.apiUrl}/flows/`, { method: "POST", body })).status).toBe(422);
});

test("a connection is of use after a refusal", async () => {
  const socket = connect(server.port, "127.0.0.1");
  socket.write(head(["Content-Length: 2000000"]));
  socket.write(" ".repeat(2_000_000));
  const [refused] = (await once(socket, "data")) as [Buffer];
  expect(refused.toString()).toMatch(/^HTTP\/1.1 413/);
  socket.write("GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n");
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 200/);
  socket.destroy();
});

test.each([
  ["too long", "x".repeat(2_097_153), 1009],
  ["nested too deep", "[".repeat(100_000), 1003],
  ["no event", '{"a":1}', 1003],
])("a frame that is %s closes its socket", async (_what, frame, code) => {
  const socket = new WebSocket(`${server.apiUrl.replace("http", "ws")}/events/in`);
  await once(socket, "open");
  socket.send(frame);
  expect((await once(socket, "close"))[0]).toBe(code);
});
