import { beforeEach, expect, test, vi } from "vitest";
import { CsrfTransport } from "./csrf-transport.ts";
import type { ApiRequest, ApiResponse } from "./transport.ts";

/** A server with CSRF protection, as Prefect's: a change needs the newest token of its client. */
let token: string | undefined;
let requests: string[];
let expiration: string;

const server = (request: ApiRequest): Promise<ApiResponse> => {
  requests.push(`${request.method} ${request.path.split("?", 1)[0]} ${request.headers?.["prefect-csrf-token"] ?? "-"}`);
  if (request.path.startsWith("/api/csrf-token")) {
    if (token === undefined) return Promise.resolve({ status: 422, body: '{"detail":"CSRF protection is disabled."}' });
    const client = new URL(request.path, "http://x").searchParams.get("client");
    return Promise.resolve({ status: 200, body: JSON.stringify({ token, client, expiration }) });
  }
  const given = request.headers?.["prefect-csrf-token"];
  if (token === undefined || request.method === "GET" || given === token)
    return Promise.resolve({ status: 200, body: "" });
  const detail = given === undefined ? "Missing CSRF token." : "Invalid CSRF token or client identifier.";
  return Promise.resolve({ status: 403, body: JSON.stringify({ detail }) });
};
const post = { method: "POST", path: "/api/x" } as const;

let transport: CsrfTransport;
beforeEach(() => {
  token = "one";
  requests = [];
  expiration = new Date(Date.now() + 3600_000).toISOString();
  transport = new CsrfTransport({ send: server, close: () => Promise.resolve() });
});

test("the token of the greeting goes with every change, and with nothing else", async () => {
  await transport.greet();
  await transport.send(post);
  await transport.send({ method: "GET", path: "/api/x" });
  expect(requests).toEqual(["GET /api/csrf-token -", "POST /api/x one", "GET /api/x -"]);
});

test("a change that is refused for its token is sent again with a new one", async () => {
  expect((await transport.send(post)).status).toBe(200);
  token = "two";
  expect((await transport.send(post)).status).toBe(200);
  expect(requests.slice(3)).toEqual(["POST /api/x one", "GET /api/csrf-token -", "POST /api/x two"]);
});

test("a token is replaced before it expires", async () => {
  await transport.greet();
  token = "two";
  vi.setSystemTime(Date.parse(expiration) - 5000);
  await transport.send(post);
  vi.useRealTimers();
  expect(requests.slice(1)).toEqual(["GET /api/csrf-token -", "POST /api/x two"]);
});

test("nothing is added for a server without the protection", async () => {
  token = undefined;
  await transport.greet();
  await transport.send(post);
  expect(requests).toEqual(["GET /api/csrf-token -", "POST /api/x -"]);
});

test("any other refusal is the caller's", async () => {
  const refusing = new CsrfTransport({
    send: () => Promise.resolve({ status: 403, body: '{"detail":"Not yours."}' }),
    close: () => Promise.resolve(),
  });
  expect((await refusing.send(post)).status).toBe(403);
});
