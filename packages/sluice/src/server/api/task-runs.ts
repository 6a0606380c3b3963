import type { SetTaskRunStateBody, TaskRunCreate, TaskRunUpdate } from "../../wire/contract/shapes.ts";
import { Refusal, reply } from "../api-reply.ts";
import { createTaskRun } from "../orchestration/task-runs/create-task-run.ts";
import { setTaskRunState } from "../orchestration/task-runs/set-task-run-state.ts";
import { taskRunBody } from "../queries/render.ts";
import { runNameOf } from "../run-name.ts";
import { deleteTaskRun } from "../services/purge.ts";
import { found, param, type Handlers } from "./handler.ts";

/** Task runs that are made and moved over REST. Bodies have the shapes of the route table's schemas. */
export const taskRunHandlers: Handlers = {
  "POST /task_runs/": async (call, core) => {
    const { row, isNew } = await core.store.write(() => createTaskRun(core, call.body as TaskRunCreate));
    return reply(isNew ? 201 : 200, taskRunBody(row, core.store.nowUs()));
  },
  "GET /task_runs/{id}": async (call, { store }) => {
    const row = await store.read(() => store.taskRuns.byId(param(call, "id")));
    return reply(200, taskRunBody(found(row, "Task"), store.nowUs()));
  },
  "PATCH /task_runs/{id}": async (call, { store }) => {
    const { name } = call.body as TaskRunUpdate;
    await store.write(() => {
      const { id } = found(store.taskRuns.byId(param(call, "id")), "Task run");
      // A name that is given and empty is a new one.
      if (name !== undefined) store.taskRuns.patch(id, { name: name || runNameOf(`${id}${String(store.nowUs())}`) });
    });
    return reply(204);
  },
  "DELETE /task_runs/{id}": async (call, { store }) => {
    if (!(await deleteTaskRun(store, param(call, "id")))) throw new Refusal(404, "Task not found");
    return reply(204);
  },
  "POST /task_runs/{id}/set_state": async (call, core) => {
    const { state, force = false } = call.body as SetTaskRunStateBody;
    const { isNew, result } = await core.store.write(() =>
      setTaskRunState(core, { id: param(call, "id"), state, force }),
    );
    return reply(isNew ? 201 : 200, result);
  },
};
