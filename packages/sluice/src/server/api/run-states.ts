import { reply } from "../api-reply.ts";
import { findState } from "../queries/one-run/find-state.ts";
import { statesBody } from "../queries/render.ts";
import { found, param, type Handlers } from "./handler.ts";

/** The states of flow runs and task runs, by their runs and by their own ids. */
export const runStateHandlers: Handlers = {
  "GET /flow_run_states/": async (call, { store }) => {
    const row = await store.read(() => store.flowRuns.byId(call.query.get("flow_run_id") ?? ""));
    return reply(200, row ? statesBody(row) : []);
  },
  "GET /flow_run_states/{id}": async (call, { store }) =>
    reply(200, found(await findState(store, "flow_run", param(call, "id")), "Flow run state")),
  "GET /task_run_states/": async (call, { store }) => {
    const row = await store.read(() => store.taskRuns.byId(call.query.get("task_run_id") ?? ""));
    return reply(200, row ? statesBody(row) : []);
  },
  // The contract speaks of a flow run here, too.
  "GET /task_run_states/{id}": async (call, { store }) =>
    reply(200, found(await findState(store, "task_run", param(call, "id")), "Flow run state")),
};
