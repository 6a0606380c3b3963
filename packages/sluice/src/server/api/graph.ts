import { reply } from "../api-reply.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import type { TaskRunRow } from "../db/task-run-table.ts";
import { readTaskRuns } from "../queries/read-runs.ts";
import { found, param, type Handlers } from "./handler.ts";
import { detailsOfTaskRun, isoOrNull, newestStateBody, statesBody } from "../queries/render.ts";

/** Most nodes in one graph; the contract's own limit. */
const MAX_NODES = 10_000;
const PAGE = 200;

/** The graph of a flow run: which run waited for the result of which. */
export const graphHandlers: Handlers = {
  "GET /flow_runs/{id}/graph-v2": async (call, { store }) => {
    const row = found(await store.read(() => store.flowRuns.byId(param(call, "id"))), "Flow run");
    return reply(200, await graphBody(store, row));
  },
  "GET /flow_runs/{id}/graph": async (call, { store }) => {
    const runs = await taskRunsOf(store, param(call, "id"));
    return reply(200, runs.map(dependencyBody));
  },
};

async function graphBody(store: Store, row: FlowRunRow) {
  const runs = (await taskRunsOf(store, row.id)).filter((run) => run.start_time !== null || run.end_time !== null);
  const nodeIds = new Map(runs.map((run) => [run.id, run.child_flow_run_id ?? run.id]));
  const nodes = runs.map((run) => ({
    id: nodeIds.get(run.id) ?? run.id,
    run,
    parents: upstreamOf(run).flatMap((id) => nodeIds.get(id) ?? []),
  }));
  const children = new Map<string, string[]>();
  for (const { id, parents } of nodes)
    for (const parent of parents) children.set(parent, [...(children.get(parent) ?? []), id]);
  return {
    start_time: isoOrNull(row.start_time),
    end_time: isoOrNull(row.end_time),
    root_node_ids: nodes.filter(({ parents }) => parents.length === 0).map(({ id }) => id),
    nodes: nodes.map(({ id, run, parents }) => [
      id,
      {
        kind: run.child_flow_run_id === null ? "task-run" : "flow-run",
        id,
        label: run.name,
        state_type: run.state_type,
        start_time: isoOrNull(run.start_time ?? run.expected_start_time),
        end_time: isoOrNull(run.end_time),
        parents: parents.map((parent) => ({ id: parent })),
        children: (children.get(id) ?? []).map((child) => ({ id: child })),
        encapsulating: [],
        artifacts: [],
      },
    ]),
    artifacts: [],
    states: statesBody(row).map(({ id, timestamp, type, name }) => ({ id, timestamp, type, name })),
  };
}

/** Reads in pages, so that other requests are answered between them. */
async function taskRunsOf(store: Store, flowRunId: string): Promise<TaskRunRow[]> {
  const runs: TaskRunRow[] = [];
  for (let offset = 0; offset < MAX_NODES; offset += PAGE) {
    const page = await store.read(() =>
      readTaskRuns(
        store,
        { task_runs: { flow_run_id: { any_: [flowRunId] } } },
        { sort: "EXPECTED_START_TIME_ASC", offset },
      ),
    );
    runs.push(...page);
    if (page.length < PAGE) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return runs;
}

function upstreamOf(run: TaskRunRow): string[] {
  // Lists of run inputs in the contract's shape.
  const inputs = Object.values(detailsOfTaskRun(run).task_inputs ?? {}).flat() as {
    input_type?: string;
    id?: string;
  }[];
  return [...new Set(inputs.flatMap(({ input_type, id }) => (input_type === "task_run" && id ? [id] : [])))];
}

function dependencyBody(run: TaskRunRow) {
  return {
    id: run.id,
    name: run.name,
    upstream_dependencies: upstreamOf(run).map((id) => ({ input_type: "task_run", id })),
    state: newestStateBody(run),
    expected_start_time: isoOrNull(run.expected_start_time),
    start_time: isoOrNull(run.start_time),
    end_time: isoOrNull(run.end_time),
    total_run_time: run.total_run_time / 1e6,
    estimated_run_time: run.total_run_time / 1e6,
    untrackable_result: false,
  };
}
