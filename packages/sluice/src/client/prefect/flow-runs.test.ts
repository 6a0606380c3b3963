import { beforeEach, describe, expect, test } from "vitest";
import type { FlowRunRecord, TransitionRecord } from "../../wire/run-record.ts";
import { stateId } from "../../wire/state-id.ts";
import type { ApiRequest, ApiResponse } from "../transport.ts";
import { FlowRuns } from "./flow-runs.ts";
import { PrefectCalls } from "./prefect-calls.ts";

/*
 * What a Prefect server 3.8.8 answered to such requests, less the fields that nobody reads. Each test says what comes next.
 */
const LOCAL = "0197a000-0000-7000-8000-00000000abcd";
const SERVER = "a04c2fb8-72ea-4709-b349-6a2b2aa176b5";
const FLOW = "3fa95fc1-1d62-49b2-a0b2-a0c5a7a7a5ec";
const START_US = 1_795_739_959_000_000;

const state = (type: string, name: string, details: object = {}) => ({
  id: "01a21a65-f482-7eda-8e51-386f2901ef2d",
  type,
  name,
  timestamp: "2026-11-27T00:27:04.402439Z",
  message: null,
  data: null,
  state_details: details,
});
const json = (status: number, body: unknown): ApiResponse => ({ status, body: JSON.stringify(body) });
const flowRow = json(201, { id: FLOW, name: "etl" });
const runRow = (retries: number | null = null, now = state("PENDING", "Pending")) =>
  json(201, {
    id: SERVER,
    name: "calm-otter",
    flow_id: FLOW,
    tags: [],
    run_count: 0,
    empirical_policy: { retries },
    state: now,
  });
const accepted = (type: string, name: string) =>
  json(201, { state: state(type, name), status: "ACCEPT", details: { type: "accept_details" } });

let requests: ApiRequest[];
let answers: ApiResponse[];
let nowMs: number;
let runs: FlowRuns;
let running: string[];

beforeEach(() => {
  requests = [];
  answers = [];
  nowMs = 0;
  running = [];
  const send = (request: ApiRequest): Promise<ApiResponse> => {
    requests.push(request);
    const answer = answers.shift();
    return answer === undefined ? Promise.reject(new Error(`unexpected ${request.path}`)) : Promise.resolve(answer);
  };
  runs = new FlowRuns({
    calls: new PrefectCalls({ send }),
    nowMs: () => nowMs,
    onOpened: () => undefined,
    onRunning: ({ id }) => running.push(id),
  });
});

const pending = ["PENDING", "Pending", START_US] as const;
const started = ["RUNNING", "Running", START_US + 1000] as const;
const ended = ["COMPLETED", "Completed", START_US + 2000] as const;

function record(id: string, base: FlowRunRecord["base"], ...transitions: readonly TransitionRecord[]): FlowRunRecord {
  const run = { name: "calm-otter", flow_name: "etl", parameters: { n: 3 }, empirical_policy: { retries: 1 } };
  return { kind: "flow", id, base, transitions, ...(base === 0 ? { run } : {}) };
}
const sent = () => requests.map(({ method, path }) => `${method} ${path}`);
const bodyOf = (index: number): unknown => JSON.parse(requests[index]?.body ?? "null");

/** A run that the server has accepted as RUNNING. */
async function begin(retries: number | null = null): Promise<void> {
  answers = [flowRow, runRow(retries), accepted("RUNNING", "Running")];
  await runs.take(record(LOCAL, 0, pending, started));
  requests = [];
}

describe("FlowRuns", () => {
  test("creates a run, which the server names, and proposes each of its transitions", async () => {
    answers = [flowRow, runRow()];
    const verdict = await runs.take(record(LOCAL, 0, pending));
    expect(verdict).toMatchObject({ id: LOCAL, status: "ACCEPT", run_id: SERVER, transition_count: 1 });
    expect(sent()).toEqual(["POST /api/flows/", "POST /api/flow_runs/"]);
    expect(bodyOf(1)).toEqual({
      name: "calm-otter",
      flow_id: FLOW,
      flow_version: null,
      parameters: { n: 3 },
      tags: [],
      labels: {},
      empirical_policy: { retries: 1 },
      parent_task_run_id: null,
      idempotency_key: LOCAL,
      state: {
        type: "PENDING",
        name: "Pending",
        message: null,
        data: null,
        state_details: { transition_id: "01a21a71-3ed8-7000-8000-00000000abce" },
      },
    });
    answers = [accepted("RUNNING", "Running"), accepted("COMPLETED", "Completed")];
    expect(await runs.take(record(SERVER, 1, started, ended))).toBeUndefined();
    expect(sent().slice(2)).toEqual([
      `POST /api/flow_runs/${SERVER}/set_state`,
      `POST /api/flow_runs/${SERVER}/set_state`,
    ]);
    expect(bodyOf(2)).toMatchObject({ force: false, state: { type: "RUNNING", name: "Running" } });
    expect([running, runs.open()]).toEqual([[SERVER], []]);
  });

  test("makes the tracking task run of a subflow before its flow run, and links them as the server says", async () => {
    const tracking = { id: "0197-tracking", name: "etl-0", flow_run_id: "parent", task_key: "etl-1", dynamic_key: "k" };
    const run = { name: "calm-otter", flow_name: "etl", parameters: {}, parent_task_run: tracking };
    answers = [flowRow, json(200, { id: "known-tracking" }), runRow()];
    await runs.take({ kind: "flow", id: LOCAL, base: 0, transitions: [pending], run });
    expect(sent()).toEqual(["POST /api/flows/", "POST /api/task_runs/", "POST /api/flow_runs/"]);
    expect(bodyOf(1)).toEqual({ ...tracking, tags: [], task_inputs: {}, state: { type: "PENDING", name: "Pending" } });
    expect(bodyOf(2)).toMatchObject({ parent_task_run_id: "known-tracking" });
  });

  test("takes a REJECT to AwaitingRetry with the wait that the server's own times give", async () => {
    await begin(3);
    const retrying = state("SCHEDULED", "AwaitingRetry", { scheduled_time: "2026-11-27T00:27:11.902439Z" });
    answers = [
      json(204, undefined),
      json(201, { state: retrying, status: "REJECT", details: { type: "reject_details", reason: "Retrying" } }),
    ];
    const verdict = await runs.take(record(SERVER, 2, ["FAILED", "Failed", START_US + 9000, "no luck"]));
    expect(verdict).toEqual({
      id: SERVER,
      status: "REJECT",
      reason: "Retrying",
      delay_seconds: 7.5,
      run_id: SERVER,
      transition_count: 2,
      state: { type: "SCHEDULED", name: "AwaitingRetry", message: null },
    });
  });

  test("takes a WAIT, and proposes the same state again later", async () => {
    answers = [flowRow, runRow()];
    await runs.take(record(LOCAL, 0, pending));
    const details = { type: "wait_details", delay_seconds: 5, reason: "Scheduled time is in the future" };
    answers = [json(200, { state: state("SCHEDULED", "AwaitingRetry"), status: "WAIT", details })];
    expect(await runs.take(record(SERVER, 1, started))).toMatchObject({
      status: "WAIT",
      delay_seconds: 5,
      transition_count: 1,
    });
    answers = [accepted("RUNNING", "Running")];
    expect(await runs.take(record(SERVER, 1, ["RUNNING", "Running", START_US + 6_000_000]))).toBeUndefined();
  });

  test("takes an ABORT with the server's state", async () => {
    await begin();
    const details = { type: "abort_details", reason: "Run is already in terminal state FAILED." };
    answers = [json(200, { state: state("FAILED", "Failed"), status: "ABORT", details })];
    const verdict = await runs.take(record(SERVER, "latest", ["CRASHED", "Crashed", START_US + 9000]));
    expect(verdict).toMatchObject({ status: "ABORT", reason: details.reason, state: { type: "FAILED" } });
  });

  test("counts a transition that the server has made already as taken", async () => {
    await begin();
    requests = [];
    const made = state("COMPLETED", "Completed", { transition_id: stateId(SERVER, 2, ended[2]) });
    const reason = "This run has already made this state transition.";
    answers = [json(200, { state: made, status: "REJECT", details: { type: "reject_details", reason } })];
    expect(await runs.take(record(SERVER, 2, ended))).toBeUndefined();
  });

  test("tells the server that there is no retry left before it proposes an end that nobody wants to be retried", async () => {
    await begin(3);
    answers = [json(204, undefined), accepted("FAILED", "Failed")];
    await runs.take(record(SERVER, 2, ["FAILED", "Failed", START_US + 9000, "no luck"]));
    expect(sent()).toEqual([`PATCH /api/flow_runs/${SERVER}`, `POST /api/flow_runs/${SERVER}/set_state`]);
    expect(bodyOf(0)).toEqual({ empirical_policy: { retries: 0 } });
  });

  test("asks where a run stands when the server has not been heard for a second, and proposes nothing over its end", async () => {
    await begin();
    nowMs = 1001;
    answers = [json(200, { ...(JSON.parse(runRow().body) as object), state: state("CANCELLED", "Cancelled") })];
    expect(await runs.take(record(SERVER, 2, ended))).toMatchObject({ status: "REJECT", state: { type: "CANCELLED" } });
    expect(sent()).toEqual([`GET /api/flow_runs/${SERVER}`]);
  });

  test("keeps to what was made when a record comes again, also after the end of its run", async () => {
    await begin();
    answers = [accepted("COMPLETED", "Completed")];
    await runs.take(record(SERVER, 2, ended));
    requests = [];
    const again = await runs.take(record(LOCAL, 0, pending, started, ended));
    expect([again, requests]).toMatchObject([{ status: "ACCEPT", run_id: SERVER, transition_count: 3 }, []]);
    const late = await runs.take(record(SERVER, "latest", ["CANCELLED", "Cancelled", START_US + 9000]));
    expect([late, requests]).toMatchObject([{ status: "REJECT", state: { type: "COMPLETED" } }, []]);
  });

  test("answers ABORT for a run that the server refuses, with its words", async () => {
    answers = [flowRow, json(422, { exception_message: "Invalid request received." })];
    const verdict = await runs.take(record(LOCAL, 0, pending));
    expect(verdict).toMatchObject({ id: LOCAL, status: "ABORT", transition_count: 0 });
    expect(verdict?.reason).toContain("Invalid request received.");
  });

  test("answers ABORT, and where the run stands, for a transition at which the server fails", async () => {
    await begin();
    answers = [json(500, { exception_message: "Internal Server Error" })];
    const verdict = await runs.take(record(SERVER, 2, ended));
    expect(verdict).toMatchObject({ status: "ABORT", transition_count: 2, state: { type: "RUNNING" } });
  });

  test("fails while the server is away, and goes on from there when the record comes again", async () => {
    answers = [flowRow, runRow(), { status: 503, body: "busy" }];
    const whole = record(LOCAL, 0, pending, started);
    await expect(runs.take(whole)).rejects.toMatchObject({ code: "SLUICE_API_UNREACHABLE" });
    requests = [];
    answers = [accepted("RUNNING", "Running")];
    expect(await runs.take(whole)).toMatchObject({ run_id: SERVER, transition_count: 2 });
    expect(sent()).toEqual([`POST /api/flow_runs/${SERVER}/set_state`]);
  });
});
