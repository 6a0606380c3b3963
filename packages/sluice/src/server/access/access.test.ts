import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { OWN_ROUTES, ROUTES } from "../../wire/routes.ts";
import { startServer, type RunningServer } from "../index.ts";
import { ApiKeyFile, isWellFormed } from "./api-key-file.ts";
import { CsrfTokens } from "./csrf-tokens.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { neededScope, type Scope } from "./scopes.ts";

const AUTH = "ann:secret";
let folder: string;
let keys: ApiKeyFile;
let server: RunningServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-access-"));
  keys = new ApiKeyFile(join(folder, "api-keys.json"));
  server = await startServer({ port: 0, home: folder, authString: AUTH, apiKeyFile: keys.file });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
const newKey = (scope: Scope, days: number | null = null) => keys.create({ name: scope, scope, days }).key;

async function statusOf(method: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  const isJson = method !== "GET" && method !== "DELETE";
  return (
    await fetch(server.apiUrl + path, {
      method,
      headers: { ...headers, ...(isJson ? { "content-type": "application/json" } : {}) },
      ...(isJson ? { body: "{}" } : {}),
    })
  ).status;
}

test("every route but health and readiness asks for credentials", async () => {
  const id = crypto.randomUUID();
  const open: string[] = [];
  for (const { method, path } of [...ROUTES, ...OWN_ROUTES]) {
    const asked = path.replaceAll(/\{\w+\}/g, id);
    if ((await statusOf(method, asked)) !== 401) open.push(`${method} ${path}`);
  }
  expect(open.toSorted()).toEqual(["GET /health", "GET /ready"]);
});

test.each([
  "/variables/name/health",
  "/variables/name/x-ready",
  "/health/",
  "/ready/../variables/filter",
  "/%68ealth/../flows/filter",
  "//health",
  "/flows/filter?x=/api/health",
  "/flows/filter#/api/health",
  "/flows/filter;/api/health",
])("no form of the path %s gets around that, nor a host that names an open path", async (path) => {
  for (const host of ["localhost", "localhost/api/health?", "a/api/health#"]) {
    const socket = connect(server.port, "127.0.0.1");
    socket.write(`GET /api${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 (?:401|400)/);
    socket.destroy();
  }
});

async function socketError(path: string, headers: Record<string, string> = {}, protocol = "x"): Promise<string> {
  const url = server.apiUrl.replace("http", "ws") + path;
  const socket = new WebSocket(url, protocol === "x" ? [] : [protocol], { headers });
  socket.on("open", () => socket.terminate());
  return Promise.race([
    once(socket, "error").then(([error]) => (error as Error).message),
    once(socket, "open").then(() => "open"),
  ]);
}

test.each([
  "/events/in",
  "/events/out",
  "/logs/out",
  "/task_runs/subscriptions/scheduled",
  "/work_pools/a/workers/connect",
])("the websocket %s is not opened without credentials", async (path) => {
  expect(await socketError(path)).toContain("403");
  expect(await socketError(path, bearer("slk_wrong"), "prefect")).toContain("403");
  expect(await socketError(path, bearer(newKey("operator")), "prefect")).toBe("open");
});

test("a key does what its scope says, until it is revoked or has expired", async () => {
  const viewer = newKey("viewer");
  expect(await statusOf("POST", "/flows/filter", bearer(viewer))).toBe(200);
  expect(await statusOf("POST", "/flows/filter", basic(viewer))).toBe(200);
  expect(await statusOf("POST", "/flows/filter", basic(`page:${viewer}`))).toBe(200);
  expect(await statusOf("POST", "/flows/", bearer(viewer))).toBe(403);
  expect(await socketError("/events/in", bearer(viewer), "prefect")).toContain("403");
  expect(await socketError("/events/out", bearer(viewer), "prefect")).toBe("open");
  const operator = newKey("operator");
  expect(await statusOf("POST", "/flows/", bearer(operator))).toBe(422);
  expect(await statusOf("DELETE", "/admin/storage", bearer(operator))).toBe(403);
  expect(await statusOf("DELETE", "/admin/storage", bearer(newKey("admin")))).toBe(204);
  expect(await statusOf("POST", "/flows/filter", bearer(newKey("viewer", 1e-9)))).toBe(401);
  keys.revoke("viewer");
  expect(keys.scopeOf(viewer)).toBeUndefined();
  expect(statSync(keys.file).mode & 0o777).toBe(0o600);
});

test("a key has a checksum, and the file holds no key", () => {
  const key = newKey("admin");
  expect(isWellFormed(key)).toBe(true);
  expect(isWellFormed(key.replace(/.$/, (last) => (last === "0" ? "1" : "0")))).toBe(false);
  expect(JSON.stringify(keys.list())).not.toContain(key.slice(4, 20));
});

test("whoever guesses is told to wait, and does not keep others out", async () => {
  const wrong = basic("bob:guess");
  for (let guess = 0; guess < 5; guess++) expect(await statusOf("GET", "/version", wrong)).toBe(401);
  const answer = await fetch(`${server.apiUrl}/version`, { headers: wrong });
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(50);
  expect(await statusOf("GET", "/version", basic(AUTH))).toBe(200);
  expect(await statusOf("GET", "/version", bearer(newKey("viewer")))).toBe(200);
});

test("waits grow from failure to failure and end with a success", () => {
  let nowMs = 0;
  const throttle = new LoginThrottle(() => nowMs);
  for (let failure = 0; failure < 4; failure++) throttle.failed("a");
  expect(throttle.blockedForMs("a")).toBe(0);
  throttle.failed("a");
  expect(throttle.blockedForMs("a")).toBe(60_000);
  expect(throttle.blockedForMs("b")).toBe(0);
  nowMs = 60_000;
  expect(throttle.blockedForMs("a")).toBe(0);
  throttle.failed("a");
  expect(throttle.blockedForMs("a")).toBe(120_000);
  throttle.succeeded("a");
  expect(throttle.blockedForMs("a")).toBe(0);
});

test.each([
  ["GET", "/api/flows/x", "", "viewer"],
  ["POST", "/api/work_pools/my-pool/queues/filter", "", "viewer"],
  ["POST", "/api/events/count-by/day", "", "viewer"],
  ["POST", "/api/block_documents/filter", "", "operator"],
  ["GET", "/api/block_documents/x", "?include%5Fsecrets=true", "operator"],
  ["POST", "/api/flow_runs/", "", "operator"],
  ["PUT", "/api/admin/storage", "", "admin"],
  ["POST", "/api/sluice/testing/reset", "", "admin"],
])("%s %s%s needs a %s", (...[method, path, search, scope]) => {
  expect(neededScope({ method, path, search })).toBe(scope);
});

test("a CSRF token is good for its client and its time", () => {
  let nowMs = 1e12;
  const tokens = new CsrfTokens(10, () => nowMs);
  const { token } = tokens.issue("me");
  expect(() => tokens.check("POST", token, "me")).not.toThrow();
  expect(() => tokens.check("GET", undefined, undefined)).not.toThrow();
  expect(() => tokens.check("POST", undefined, "me")).toThrow("Missing CSRF token.");
  expect(() => tokens.check("POST", token, undefined)).toThrow("Missing client identifier.");
  expect(() => tokens.check("POST", token, "you")).toThrow("Invalid CSRF token or client identifier.");
  nowMs += 10_001;
  expect(() => tokens.check("DELETE", token, "me")).toThrow("Invalid CSRF token or client identifier.");
});
