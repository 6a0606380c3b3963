import type {
  CountTaskRunsBody,
  ReadTaskRunsBody,
  SetFlowRunStateBody,
  TaskRunCreate,
  TaskRunUpdate,
} from "../../wire/contract/shapes.ts";
import { InvalidRequest, Refusal, reply } from "../api-reply.ts";
import { noHistory } from "../db/run-columns.ts";
import { newId } from "../db/new-id.ts";
import type { ServerCore } from "../server-core.ts";
import type { TaskRunRow } from "../db/task-run-table.ts";
import { countRows, readTaskRuns } from "../queries/read-runs.ts";
import { proposedState } from "../orchestration/proposals.ts";
import { moveTaskRun, setTaskRunState } from "../orchestration/set-task-run-state.ts";
import { found, param, type Handlers } from "./handler.ts";
import { statesBody, taskRunBody } from "../queries/render.ts";

/** Task runs that are made and moved over REST. Bodies have the shapes of the route table's schemas. */
export const taskRunHandlers: Handlers = {
  "POST /task_runs/": async (call, core) => {
    const { row, isNew } = await core.store.write(() => createTaskRun(core, call.body as TaskRunCreate));
    return reply(isNew ? 201 : 200, taskRunBody(row, core.store.nowUs()));
  },
  "GET /task_runs/{id}": async (call, { store }) => {
    const row = await store.read(() => store.taskRuns.byId(param(call, "id")));
    return reply(200, taskRunBody(found(row, "Task run"), store.nowUs()));
  },
  "POST /task_runs/filter": async (call, { store }) => {
    const body = call.body as ReadTaskRunsBody;
    const rows = await store.read(() => readTaskRuns(store, body, body));
    return reply(
      200,
      rows.map((row) => taskRunBody(row, store.nowUs())),
    );
  },
  "POST /task_runs/count": async (call, { store }) =>
    reply(200, await store.read(() => countRows(store, "task_run", call.body as CountTaskRunsBody))),
  "PATCH /task_runs/{id}": async (call, { store }) => {
    await store.write(() => {
      const row = found(store.taskRuns.byId(param(call, "id")), "Task run");
      store.taskRuns.patch(row.id, call.body as TaskRunUpdate);
    });
    return reply(204);
  },
  "DELETE /task_runs/{id}": async (call, { store }) => {
    const isThere = await store.write(() => {
      const row = store.taskRuns.byId(param(call, "id"));
      if (!row) return false;
      store.taskGroups.add(row, -1);
      store.taskGroups.flush();
      return store.taskRuns.delete(row.id);
    });
    if (!isThere) throw new Refusal(404, "Task run not found");
    return reply(204);
  },
  "POST /task_runs/{id}/set_state": async (call, core) => {
    const { state, force = false } = call.body as SetFlowRunStateBody;
    const { isNew, result } = await core.store.write(() =>
      setTaskRunState(core, { id: param(call, "id"), state, force }),
    );
    return reply(isNew ? 201 : 200, result);
  },
  "GET /task_run_states/": async (call, { store }) => {
    const id = call.query.get("task_run_id");
    if (id === null)
      throw new InvalidRequest([{ loc: ["query", "task_run_id"], msg: "Field required", type: "missing" }]);
    const row = await store.read(() => store.taskRuns.byId(id));
    return reply(200, row ? statesBody(row) : []);
  },
};

function createTaskRun(core: ServerCore, body: TaskRunCreate): { readonly row: TaskRunRow; readonly isNew: boolean } {
  const { store } = core;
  const known = body.id ? store.taskRuns.byId(body.id) : undefined;
  const same =
    known ?? (body.flow_run_id ? store.taskRuns.byKeys(body.flow_run_id, body.task_key, body.dynamic_key) : undefined);
  if (same) return { row: same, isNew: false };
  const now = store.nowUs();
  const id = body.id ?? newId(now);
  const { tags, labels, task_inputs, cache_key, cache_expiration, task_version, empirical_policy } = body;
  const run = {
    id,
    flowRunId: body.flow_run_id ?? null,
    name: body.name ?? `${body.task_key}-${body.dynamic_key}`,
    taskKey: body.task_key,
    dynamicKey: body.dynamic_key,
    childFlowRunId: null,
    processId: null,
    details: JSON.stringify({
      tags,
      labels: labels ?? undefined,
      task_inputs,
      cache_key,
      cache_expiration,
      task_version,
      empirical_policy,
    }),
    createdUs: now,
  };
  store.taskRuns.insert(run, noHistory());
  const row = found(store.taskRuns.byId(id), "Task run");
  const { row: after } = moveTaskRun(core, row, {
    proposed: proposedState(body.state ?? { type: "PENDING" }, now),
    force: true,
  });
  store.taskGroups.flush();
  return { row: after, isNew: true };
}
