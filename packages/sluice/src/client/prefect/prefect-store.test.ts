import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { RunRecord, RunRecordReply } from "../../wire/run-record.ts";
import { HttpTransport, type UrlAddress } from "../http-transport.ts";
import { FakePrefect, type SeenRequest } from "./prefect-server.fixture.ts";
import { openPrefectSocket } from "./prefect-socket.ts";
import { PrefectStore } from "./prefect-store.ts";

const FLOW_RUN = "a04c2fb8-72ea-4709-b349-6a2b2aa176b5";
const TASK_RUN = "0197a000-0000-7000-8000-00000000abcd";
const flowRunRow = { id: FLOW_RUN, name: "calm-otter", flow_id: "f", tags: ["t"], run_count: 0, state: null };

let server: FakePrefect;
let address: UrlAddress;
let store: PrefectStore;
let cancelled: string[];
let troubles: string[];

beforeEach(async () => {
  server = new FakePrefect();
  address = await server.start();
  cancelled = [];
  troubles = [];
  server.answer = ({ call, body }) => {
    if (call === "POST /api/flows/") return { status: 201, body: { id: "f" } };
    if (call === "POST /api/flow_runs/") return { status: 201, body: flowRunRow };
    if (call === "POST /api/flow_runs/filter") return { status: 200, body: [] };
    if (call.endsWith("/set_state"))
      return { status: 201, body: { state: (body as { state: object }).state, status: "ACCEPT", details: {} } };
    return { status: 201 };
  };
  open(address);
});
afterEach(async () => {
  await store.close();
  await server.stop();
});

function open(to: UrlAddress): void {
  store = new PrefectStore({
    transport: new HttpTransport(to, { retryForMs: 0 }),
    address: to,
    heartbeatSeconds: 180,
    onCancelling: (ids) => cancelled.push(...ids),
    onTrouble: (message) => troubles.push(message),
  });
}

async function report(...records: readonly RunRecord[]): Promise<RunRecordReply> {
  const body = JSON.stringify({ process_id: "p", records });
  const answer = await store.send({ method: "POST", path: "/api/sluice/run-records", body });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body) as RunRecordReply;
}
const calls = () => server.requests.map(({ call }) => call);
const flowRecord = (base: number, ...transitions: RunRecord["transitions"]): RunRecord => {
  const run = { name: "calm-otter", flow_name: "etl", parameters: {} };
  return { kind: "flow", id: base === 0 ? "local" : FLOW_RUN, base, transitions, ...(base === 0 && { run }) };
};
const taskRecord = (...transitions: RunRecord["transitions"]): RunRecord => {
  const run = { name: "t-0", flow_run_id: FLOW_RUN, task_key: "t", dynamic_key: "0", tags: ["db"] };
  return { kind: "task", id: TASK_RUN, base: 0, transitions, run };
};
const begin = () => report(flowRecord(0, ["PENDING", "Pending", 1e6], ["RUNNING", "Running", 2e6]));

describe("PrefectStore", () => {
  test("has a flow run's task runs at the server before it proposes how the flow run ended", async () => {
    await begin();
    let eventsBefore: number | undefined;
    const { answer } = server;
    server.answer = (request) => {
      if (request.call.endsWith("/set_state")) eventsBefore = server.events.length;
      return answer(request);
    };
    await report(flowRecord(2, ["COMPLETED", "Completed", 9e6]), taskRecord(["COMPLETED", "Completed", 8e6]));
    expect(server.events.map(({ event }) => event)).toEqual([
      "prefect.flow-run.heartbeat",
      "prefect.task-run.Completed",
    ]);
    expect(eventsBefore).toBe(2);
  });

  test("hands on that somebody cancels one of its flow runs, and no other", async () => {
    await begin();
    await vi.waitFor(() => expect(server.filters).toHaveLength(1));
    expect(server.filters[0]).toMatchObject({
      event: { name: ["prefect.flow-run.Cancelling", "prefect.flow-run.Cancelled"] },
    });
    for (const id of ["another", FLOW_RUN])
      server.tell({ resource: { "prefect.resource.id": `prefect.flow-run.${id}` } });
    await vi.waitFor(() => expect(cancelled).toEqual([FLOW_RUN]));
  });

  test("asks for cancellations that it has missed when the websocket comes back", async () => {
    await begin();
    await vi.waitFor(() => expect(server.filters).toHaveLength(1));
    const { answer } = server;
    server.answer = (request) =>
      request.call === "POST /api/flow_runs/filter" ? { status: 200, body: [{ id: FLOW_RUN }] } : answer(request);
    server.cut();
    await vi.waitFor(() => expect(cancelled).toContain(FLOW_RUN), { timeout: 5000 });
    const asked = server.requests.findLast(({ call }) => call === "POST /api/flow_runs/filter");
    expect(asked?.body).toMatchObject({
      flow_runs: { id: { any_: [FLOW_RUN] }, state: { name: { any_: ["Cancelling", "Cancelled"] } } },
    });
  });

  test("holds a slot for each tag of a task run until its final state is reported", async () => {
    const grant = { lease_id: "lease-1", limits: [{ id: "l", name: "tag:db", limit: 1 }] };
    server.answer = ({ call }) =>
      call.endsWith("increment-with-lease") ? { status: 200, body: grant } : { status: 204 };
    const body = JSON.stringify({ task_run_id: TASK_RUN, tags: ["db"] });
    const slots = await store.send({ method: "POST", path: "/api/sluice/tag-slots", body });
    expect(slots.status).toBe(200);
    expect(server.requests[0]?.body).toEqual({
      names: ["tag:db"],
      slots: 1,
      mode: "concurrency",
      lease_duration: 60,
      holder: { type: "task_run", id: TASK_RUN },
    });
    await report(taskRecord(["RUNNING", "Running", 1e6]));
    expect(calls()).toHaveLength(1);
    await report(taskRecord(["RUNNING", "Running", 1e6], ["COMPLETED", "Completed", 2e6]));
    await vi.waitFor(() => expect(calls().at(-1)).toBe("POST /api/v2/concurrency_limits/decrement-with-lease"));
    expect(server.requests.at(-1)?.body).toEqual({ lease_id: "lease-1" });
  });

  test("leaves a log line out that the server refuses, and makes texts well-formed", async () => {
    const taken: string[] = [];
    server.answer = ({ body }) => {
      const messages = (body as { message: string }[]).map(({ message }) => message);
      if (messages.includes("bad")) return { status: 500, body: { exception_message: "Internal Server Error" } };
      taken.push(...messages);
      return { status: 201 };
    };
    const lines = ["a\u0000", "bad", "b\ud800", "c\\ud800 \u{1F600}"].map((message) => ({ message }));
    const answer = await store.send({ method: "POST", path: "/api/logs/", body: JSON.stringify(lines) });
    expect([answer.status, taken]).toEqual([201, ["a\uFFFD", "b\uFFFD", "c\\ud800 \u{1F600}"]]);
    expect(troubles).toHaveLength(1);
  });

  test("passes everything else on as it is", async () => {
    server.answer = ({ call }: SeenRequest) => ({ status: 200, body: { call } });
    const answer = await store.send({ method: "GET", path: "/api/flow_runs/x" });
    expect(answer.body).toBe('{"call":"GET /api/flow_runs/x"}');
    expect(await store.send({ method: "POST", path: "/api/sluice/processes" })).toMatchObject({ status: 404 });
  });
});

describe("openPrefectSocket", () => {
  test("says why the server refuses the token", async () => {
    server.token = "user:right";
    const opening = openPrefectSocket({ ...address, authString: "user:wrong" }, "/events/in");
    await expect(opening).rejects.toThrow("Invalid token");
    const socket = await openPrefectSocket({ ...address, authString: "user:right" }, "/events/in");
    await socket.checkpoint();
    socket.close();
  });

  test("fails a checkpoint when the connection breaks before its answer", async () => {
    const socket = await openPrefectSocket(address, "/events/in");
    const ended = new Promise((resolve) => socket.onEnd(resolve));
    const checkpoint = socket.checkpoint();
    server.cut();
    await Promise.allSettled([checkpoint]);
    await ended;
    await expect(socket.checkpoint()).rejects.toThrow("the connection is closed");
  });
});
