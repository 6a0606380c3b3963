import { mkdtempSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { newId } from "../db/new-id.ts";
import { listen } from "./listen.ts";
import { startServer, type RunningServer } from "../index.ts";

let folder: string;
let server: RunningServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-listen-"));
  server = await startServer({ port: 0, home: folder });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

async function api(method: string, path: string, sent: { body?: unknown; headers?: Record<string, string> } = {}) {
  const { body, headers = {} } = sent;
  const response = await fetch(server.apiUrl + path, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>) };
}

test("a server answers health, version and unknown routes as the contract does", async () => {
  expect(await api("GET", "/health")).toEqual({ status: 200, json: true });
  expect(await api("GET", "/admin/version")).toEqual({ status: 200, json: "3.8.8" });
  expect(await api("GET", "/csrf-token?client=x")).toEqual({
    status: 422,
    json: { detail: "CSRF protection is disabled." },
  });
  expect(await api("GET", "/no-such-thing")).toEqual({ status: 404, json: { detail: "Not Found" } });
});

test("a client of a version that is too old is refused before its body is read", async () => {
  expect(
    (await api("POST", "/flows/", { body: { name: "a" }, headers: { "x-prefect-api-version": "0.7.9" } })).status,
  ).toBe(400);
  expect(
    (await api("POST", "/flows/", { body: { name: "a" }, headers: { "x-prefect-api-version": "new" } })).status,
  ).toBe(400);
  expect(
    (await api("POST", "/flows/", { body: { name: "a" }, headers: { "x-prefect-api-version": "0.9.0" } })).status,
  ).toBe(201);
});

test("a page of another origin is refused", async () => {
  expect((await api("POST", "/flows/filter", { body: {}, headers: { origin: "https://evil.example" } })).status).toBe(
    403,
  );
});

test("a port that is taken is told by name", async () => {
  await expect(startServer({ port: server.port, home: join(folder, "other") })).rejects.toMatchObject({
    code: "SLUICE_PORT_IN_USE",
  });
});

test("a server listens on a unix socket that only its owner may use", async () => {
  const socketPath = join(folder, "s.sock");
  const listening = await listen(server.core, { socketPath });
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  const status = await new Promise((resolve, reject) => {
    request({ socketPath, path: "/api/health", agent: false }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
  expect(status).toBe(200);
  await listening.close();
});

test("task runs are made of the events that a client sends, whatever their order", async () => {
  const [flowRun, taskRun] = [newId(1e15), newId(1e15)];
  const socket = new WebSocket(`${server.apiUrl.replace("http", "ws")}/events/in`, "prefect");
  await new Promise((resolve) => socket.once("open", resolve));
  const greeted = new Promise((resolve) =>
    socket.once("message", (data: Buffer) => resolve(JSON.parse(data.toString()))),
  );
  socket.send(JSON.stringify({ type: "auth", token: null }));
  expect(await greeted).toEqual({ type: "auth_success" });
  const history = [
    ["PENDING", "Pending", 1],
    ["COMPLETED", "Completed", 3],
    ["RUNNING", "Running", 2],
    ["PENDING", "Pending", 1],
  ] as const;
  for (const [type, name, second] of history)
    socket.send(JSON.stringify(taskEvent({ flowRun, taskRun, type, name, second })));
  const confirmed = new Promise((resolve) => socket.once("pong", resolve));
  socket.ping();
  await confirmed;
  const { json } = await api("GET", `/task_runs/${taskRun}`);
  expect(json).toMatchObject({
    state_type: "COMPLETED",
    run_count: 1,
    total_run_time: 1,
    flow_run_id: flowRun,
    tags: ["t"],
    start_time: "2026-01-01T00:00:02.000000Z",
  });
  expect((await api("GET", `/task_run_states/?task_run_id=${taskRun}`)).json).toMatchObject([
    { name: "Pending" },
    { name: "Running" },
    { name: "Completed" },
  ]);
  socket.close();
});

test("a frame that is no event closes the socket with a reason", async () => {
  const socket = new WebSocket(`${server.apiUrl.replace("http", "ws")}/events/in`);
  await new Promise((resolve) => socket.once("open", resolve));
  const closed = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
  socket.send("garbage");
  expect(await closed).toBe(1003);
});

function taskEvent(event: { flowRun: string; taskRun: string; type: string; name: string; second: number }) {
  const { flowRun, taskRun, type, name, second } = event;
  return {
    id: `00000000-0000-7000-8000-00000000000${second}`,
    occurred: `2026-01-01T00:00:0${second}Z`,
    event: `prefect.task-run.${name}`,
    resource: { "prefect.resource.id": `prefect.task-run.${taskRun}`, "prefect.orchestration": "client" },
    related: [{ "prefect.resource.id": `prefect.flow-run.${flowRun}`, "prefect.resource.role": "flow-run" }],
    payload: {
      validated_state: { type, name, message: "", state_details: {} },
      task_run: { name: "t-0", task_key: "t", dynamic_key: "0", tags: ["t"] },
    },
  };
}

test("with an auth string every route and websocket but health and readiness asks for it", async () => {
  await server.close();
  server = await startServer({ port: 0, home: folder, authString: "ann:secret" });
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  expect((await api("GET", "/health")).status).toBe(200);
  for (const path of ["/admin/version", "/x/health", "/flows/health"])
    expect((await api("GET", path)).status).toBe(401);
  expect((await api("GET", "/admin/version", { headers: basic("ann:wrong") })).status).toBe(401);
  expect((await api("GET", "/admin/version", { headers: basic("ann:secret") })).status).toBe(200);
  const socket = new WebSocket(`${server.apiUrl.replace("http", "ws")}/events/in`);
  const refused = await new Promise<string>((resolve) => socket.on("error", (error) => resolve(error.message)));
  expect(refused).toContain("403");
});
