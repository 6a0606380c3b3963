import { describe, expect, test } from "vitest";
import type { TaskRunRecord } from "../../wire/run-record.ts";
import type { OpenFlowRun } from "./open-flow-run.ts";
import { TaskRuns } from "./task-runs.ts";

const ID = "0197a000-0000-7000-8000-00000000abcd";
const FLOW_RUN_ID = "754b24d9-e351-4d88-9249-71700b50ebe9";
const START_US = 1_795_739_959_000_000; // 2026-11-27T00:39:19Z

/** The flow run that the server has named. */
function flowRun(runCount = 1): OpenFlowRun {
  const state = { type: "RUNNING", name: "Running", message: null } as const;
  const of = { flowId: "3fa95fc1-1d62-49b2-a0b2-a0c5a7a7a5ec", flowName: "etl" };
  return { id: FLOW_RUN_ID, ...of, name: "calm-otter", tags: [], retries: 0, runCount, taken: [], state, heardMs: 0 };
}

function record(base: TaskRunRecord["base"], ...transitions: TaskRunRecord["transitions"]): TaskRunRecord {
  const run = {
    name: "add-0",
    flow_run_id: FLOW_RUN_ID,
    task_key: "add-2ae52a55",
    dynamic_key: "8b31febf",
    tags: ["sum"],
    task_inputs: { a: [{ input_type: "task_run", id: "0197a000-0000-7000-8000-00000000aaaa" }] },
  } as const;
  return { kind: "task", id: ID, base, transitions, ...(base === 0 || base === "latest" ? { run } : {}) };
}

const pending = ["PENDING", "Pending", START_US] as const;
const running = ["RUNNING", "Running", START_US + 1000] as const;
const completed = ["COMPLETED", "Completed", START_US + 251_000] as const;
const names = (runs: TaskRuns, of: TaskRunRecord) => runs.take(of).events.map(({ event }) => event);

describe("TaskRuns", () => {
  test("tells the transitions of a run as Prefect's own client does", () => {
    const runs = new TaskRuns(() => flowRun());
    const { events, isOver } = runs.take(record(0, pending, running, completed));
    expect(isOver).toBe(true);
    expect(events.map(({ id, follows }) => [id, follows])).toEqual([
      ["01a21a71-3ed8-7000-8000-00000000abce", null],
      ["01a21a71-3ed9-7000-8000-00000000abcf", "01a21a71-3ed8-7000-8000-00000000abce"],
      ["01a21a71-3fd3-7000-8000-00000000abd0", "01a21a71-3ed9-7000-8000-00000000abcf"],
    ]);
    // The shape of what prefect 3.8.8 sent for the end of a task run, with the values of this one.
    expect(events[2]).toEqual({
      id: "01a21a71-3fd3-7000-8000-00000000abd0",
      occurred: "2026-11-27T00:39:19.251000Z",
      event: "prefect.task-run.Completed",
      follows: "01a21a71-3ed9-7000-8000-00000000abcf",
      resource: {
        "prefect.resource.id": `prefect.task-run.${ID}`,
        "prefect.resource.name": "add-0",
        "prefect.run-count": "1",
        "prefect.state-message": "",
        "prefect.state-name": "Completed",
        "prefect.state-timestamp": "2026-11-27T00:39:19.251000Z",
        "prefect.state-type": "COMPLETED",
        "prefect.orchestration": "client",
      },
      related: [
        { "prefect.resource.id": "prefect.tag.sum", "prefect.resource.role": "tag" },
        {
          "prefect.resource.id": `prefect.flow-run.${FLOW_RUN_ID}`,
          "prefect.resource.role": "flow-run",
          "prefect.resource.name": "calm-otter",
        },
        {
          "prefect.resource.id": "prefect.flow.3fa95fc1-1d62-49b2-a0b2-a0c5a7a7a5ec",
          "prefect.resource.role": "flow",
          "prefect.resource.name": "etl",
        },
      ],
      payload: {
        intended: { from: "RUNNING", to: "COMPLETED" },
        initial_state: { type: "RUNNING", name: "Running", message: null, state_details: {} },
        validated_state: { type: "COMPLETED", name: "Completed", message: null, state_details: {}, data: null },
        task_run: {
          name: "add-0",
          task_key: "add-2ae52a55",
          dynamic_key: "8b31febf",
          empirical_policy: {},
          tags: ["sum"],
          labels: {},
          task_inputs: { a: [{ input_type: "task_run", id: "0197a000-0000-7000-8000-00000000aaaa" }] },
          run_count: 1,
          flow_run_run_count: 1,
          expected_start_time: "2026-11-27T00:39:19.000000Z",
          start_time: "2026-11-27T00:39:19.001000Z",
          end_time: "2026-11-27T00:39:19.251000Z",
          total_run_time: 0.25,
        },
      },
    });
  });

  test("tells a transition once, whichever side of a runner reports it and however often", () => {
    const runs = new TaskRuns(() => flowRun());
    expect(names(runs, record(0, pending))).toEqual(["prefect.task-run.Pending"]);
    expect(names(runs, record(0, pending, running))).toEqual(["prefect.task-run.Running"]);
    expect(names(runs, record(1, running))).toEqual([]);
    expect(names(runs, record(2, completed))).toEqual(["prefect.task-run.Completed"]);
    expect(names(runs, record(0, pending, running, completed))).toEqual([]);
  });

  test("goes on with a run whose worker died, and says how many transitions there are", () => {
    const runs = new TaskRuns(() => flowRun());
    runs.take(record(0, pending, running));
    const crashed = ["CRASHED", "Crashed", START_US + 5000, "the worker is gone"] as const;
    const { events, verdict } = runs.take(record("latest", crashed));
    expect(events.map(({ event, follows }) => [event, follows])).toEqual([
      ["prefect.task-run.Crashed", "01a21a71-3ed9-7000-8000-00000000abcf"],
    ]);
    expect(verdict).toMatchObject({ status: "ACCEPT", transition_count: 3, state: { type: "CRASHED" } });
  });

  test("keeps the reference of a result, and the message up to what the server takes", () => {
    const runs = new TaskRuns(() => flowRun());
    const data = {
      type: "reference",
      storage_key: ID,
      storage_block_id: null,
      expiration: null,
      serializer: { type: "json" },
    } as const;
    const { events } = runs.take(record(0, ["COMPLETED", "Cached", START_US, "m".repeat(200_000), data]));
    const state = events[0]?.payload["validated_state"];
    expect(state).toMatchObject({ data, message: "m".repeat(100_000) });
  });

  test("gives the runs of a later attempt of the flow run keys of their own", () => {
    const runs = new TaskRuns(() => flowRun(2));
    const [event] = runs.take(record(0, pending)).events;
    expect(event?.payload["task_run"]).toMatchObject({ dynamic_key: "8b31febf~2", flow_run_run_count: 2 });
  });

  test("hears of a run after its end, as of a transaction that was rolled back", () => {
    const runs = new TaskRuns(() => flowRun());
    runs.take(record(0, pending, running, completed));
    const rolledBack = record(3, ["COMPLETED", "RolledBack", START_US + 900_000]);
    expect(names(runs, rolledBack)).toEqual(["prefect.task-run.RolledBack"]);
  });

  test("refuses a record of a run that it knows nothing of", () => {
    const runs = new TaskRuns(() => undefined);
    expect(runs.take(record(1, running))).toMatchObject({ events: [], verdict: { status: "ABORT" } });
  });
});
