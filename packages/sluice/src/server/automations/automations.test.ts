import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServerCore } from "../server-core.ts";
import { triggers } from "../services/triggers.ts";
import { refusedAddress } from "./outbound.ts";

let folder: string;
let core: ServerCore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-automations-"));
  core = open();
  await triggers.run(core);
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

function open(): ServerCore {
  return ServerCore.open({
    databaseFile: join(folder, "sluice.db"),
    settings: { triggersEnabled: false, schedulerEnabled: false },
  });
}

async function call(method: string, path: string, body?: unknown) {
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await core.handle({ method, path: `/api${path}`, ...text });
  // Each test knows the shape of what it asks for.
  return { status: answer.status, json: answer.body === "" ? null : JSON.parse(answer.body) };
}

async function automate(actions: unknown[], trigger: object = {}) {
  const event = { type: "event", posture: "Reactive", expect: ["happened"], ...trigger };
  const made = await call("POST", "/automations/", { name: "a", trigger: event, actions });
  expect(made.status, JSON.stringify(made.json)).toBe(201);
  await triggers.run(core);
  return made.json;
}

async function happen(name = "happened", id = "thing.1", related: object[] = []): Promise<void> {
  const event = {
    id: crypto.randomUUID(),
    occurred: new Date().toISOString(),
    event: name,
    payload: { why: "so" },
    related,
  };
  await call("POST", "/events", [
    { ...event, resource: { "prefect.resource.id": id, "prefect.resource.name": "Thing" } },
  ]);
}

async function told(name: string) {
  const { json } = await call("POST", "/events/filter", { filter: { event: { name: [name] }, order: "ASC" } });
  return json.events as { payload: Record<string, unknown>; related: Record<string, string>[] }[];
}

test("an event that an automation waits for runs its action once, and events tell the story", async () => {
  const { json: flow } = await call("POST", "/flows/", { name: "f" });
  const { json: deployment } = await call("POST", "/deployments/", { name: "d", flow_id: flow.id });
  const parameters = { said: "{{ event.payload.why }} by {{ event.resource['prefect.resource.name'] }}" };
  await automate([{ type: "run-deployment", deployment_id: deployment.id, parameters }]);
  await happen("something-else");
  await happen();
  await triggers.run(core);
  await triggers.run(core);
  const { json: runs } = await call("POST", "/flow_runs/filter", {});
  expect(runs).toMatchObject([
    { parameters: { said: "so by Thing" }, deployment_id: deployment.id, state_name: "Scheduled" },
  ]);
  const [happened] = await told("happened");
  expect(happened).toHaveProperty("received");
  expect(await told("prefect.automation.triggered")).toMatchObject([{ payload: { triggering_event: happened } }]);
  expect(await told("prefect.automation.action.executed")).toMatchObject([
    { payload: { action_type: "run-deployment", action_index: 0, status_code: 201 } },
  ]);
});

test("what was heard before a server ended is not heard again, what was not is heard by the next", async () => {
  await automate([{ type: "do-nothing" }], { threshold: 2, within: 600 });
  await happen();
  await triggers.run(core);
  await happen();
  await core.close();
  core = open();
  await triggers.run(core);
  expect(await told("prefect.automation.triggered")).toHaveLength(1);
});

test("an action that cannot be done fails with its reason", async () => {
  await automate([{ type: "cancel-flow-run" }]);
  await happen();
  await triggers.run(core);
  expect(await told("prefect.automation.action.failed")).toMatchObject([
    { payload: { action_type: "cancel-flow-run", reason: "No flow run could be inferred" } },
  ]);
});

test("a compound trigger waits for all that it asks for, a sequence for their order", async () => {
  const event = (name: string) => ({ type: "event", posture: "Reactive", expect: [name] });
  const make = async (name: string, trigger: object) =>
    await call("POST", "/automations/", { name, trigger, actions: [{ type: "do-nothing" }] });
  await make("both", { type: "compound", require: "all", within: 60, triggers: [event("one"), event("two")] });
  await make("order", { type: "sequence", within: 60, triggers: [event("one"), event("two")] });
  await triggers.run(core);
  for (const name of ["two", "one"]) await happen(name);
  await triggers.run(core);
  expect(await told("prefect.automation.triggered")).toHaveLength(1);
});

test("a webhook is called with what its template makes, by the address in its block", async () => {
  const calls: string[] = [];
  const receiver = http.createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      calls.push(`${request.method} ${request.url} ${body}`);
      response.end("thanks");
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  // Listening on a port.
  const { port } = receiver.address() as AddressInfo;
  const block = await webhookBlock({ method: "POST", url: `http://127.0.0.1:${port}/hook` });
  const strict = await webhookBlock({
    method: "POST",
    url: `http://localhost:${port}/hook`,
    allow_private_urls: false,
  });
  await automate([
    { type: "call-webhook", block_document_id: block, payload: '{"why": "{{ event.payload.why }}"}' },
    { type: "call-webhook", block_document_id: strict },
  ]);
  await happen();
  await triggers.run(core);
  receiver.close();
  expect(calls).toEqual(['POST /hook {"why": "so"}']);
  expect(await told("prefect.automation.action.executed")).toMatchObject([
    { payload: { status_code: 200, response_body: "thanks" } },
  ]);
  expect(await told("prefect.automation.action.failed")).toMatchObject([
    { payload: { reason: expect.stringMatching(/private address/) } },
  ]);
});

async function webhookBlock(data: object): Promise<string> {
  await call("POST", "/block_types/install_system_block_types");
  const { json: type } = await call("GET", "/block_types/slug/webhook");
  const { json: schemas } = await call("POST", "/block_schemas/filter", {
    block_schemas: { block_type_id: { any_: [type.id] } },
  });
  const { json, status } = await call("POST", "/block_documents/", {
    name: `hook-${Math.random().toString(36).slice(2)}`,
    data,
    block_type_id: type.id,
    block_schema_id: schemas[0].id,
  });
  expect(status, JSON.stringify(json)).toBe(201);
  return json.id;
}

test.each([
  ["169.254.169.254", true, /never called/],
  ["::ffff:169.254.169.254", true, /never called/],
  ["10.1.2.3", false, /private address/],
  ["::1", false, /private address/],
  ["10.1.2.3", true, undefined],
  ["93.184.216.34", false, undefined],
] as const)("a call to %s is judged before it is made (private allowed: %s)", (address, allows, reason) => {
  const refusal = refusedAddress(address, allows);
  if (reason) expect(refusal).toMatch(reason);
  else expect(refusal).toBeUndefined();
});
