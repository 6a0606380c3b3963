import type {
  CountFlowRunsBody,
  FlowRunCreate,
  FlowRunUpdate,
  ReadFlowRunsBody,
  SetFlowRunStateBody,
} from "../../wire/contract/shapes.ts";
import { InvalidRequest, Refusal, reply } from "../api-reply.ts";
import type { FlowRunPatch, FlowRunRow } from "../db/flow-run-table.ts";
import { purgeRunData } from "../services/purge.ts";
import { countRows, readFlowRuns } from "../queries/read-runs.ts";
import { createFlowRun } from "../orchestration/create-flow-run.ts";
import { setFlowRunState } from "../orchestration/set-flow-run-state.ts";
import { found, param, type Handlers } from "./handler.ts";
import { flowRunView } from "../queries/render-flow-run.ts";
import { statesBody } from "../queries/render.ts";

/** Flow runs. Bodies have the shapes of the route table's schemas. */
export const flowRunHandlers: Handlers = {
  "POST /flow_runs/": async (call, core) => {
    const { row, isNew } = await core.store.write(() => createFlowRun(core, call.body as FlowRunCreate));
    return reply(isNew ? 201 : 200, flowRunView(core.store, row));
  },
  "GET /flow_runs/{id}": async (call, { store }) => {
    const row = await store.read(() => store.flowRuns.byId(param(call, "id")));
    return reply(200, flowRunView(store, found(row, "Flow run")));
  },
  "POST /flow_runs/filter": async (call, { store }) => {
    const body = call.body as ReadFlowRunsBody;
    const rows = await store.read(() => readFlowRuns(store, body, body));
    return reply(
      200,
      rows.map((row) => flowRunView(store, row)),
    );
  },
  "POST /flow_runs/count": async (call, { store }) =>
    reply(200, await store.read(() => countRows(store, "flow_run", call.body as CountFlowRunsBody))),
  "PATCH /flow_runs/{id}": async (call, { store }) => {
    await store.write(() => {
      const row = found(store.flowRuns.byId(param(call, "id")), "Flow run");
      store.flowRuns.patch(row.id, patchOf(row, call.body as FlowRunUpdate));
    });
    return reply(204);
  },
  "DELETE /flow_runs/{id}": async (call, core) => {
    const isThere = await core.store.write(() => core.store.flowRuns.delete(param(call, "id")));
    if (!isThere) throw new Refusal(404, "Flow run not found");
    await purgeRunData(core.store, param(call, "id"));
    return reply(204);
  },
  "POST /flow_runs/{id}/set_state": async (call, core) => {
    const { state, force = false } = call.body as SetFlowRunStateBody;
    const policy = force ? "minimal" : "core";
    const { isNew, result } = await core.store.write(() =>
      setFlowRunState(core, { id: param(call, "id"), state, policy, userAgent: call.userAgent }),
    );
    return reply(isNew ? 201 : 200, result);
  },
  "GET /flow_run_states/": async (call, { store }) => {
    const id = call.query.get("flow_run_id");
    if (id === null)
      throw new InvalidRequest([{ loc: ["query", "flow_run_id"], msg: "Field required", type: "missing" }]);
    const row = await store.read(() => store.flowRuns.byId(id));
    return reply(200, row ? statesBody(row) : []);
  },
};

function patchOf(row: FlowRunRow, body: FlowRunUpdate): FlowRunPatch {
  const json = (value: unknown): string => JSON.stringify(value);
  return {
    ...(body.name ? { name: body.name } : {}),
    ...(body.flow_version === undefined ? {} : { flow_version: body.flow_version }),
    ...(body.infrastructure_pid === undefined ? {} : { infrastructure_pid: body.infrastructure_pid }),
    ...(body.parameters ? { parameters: json(body.parameters) } : {}),
    ...(body.tags ? { tags: json(body.tags) } : {}),
    ...(body.job_variables ? { job_variables: json(body.job_variables) } : {}),
    ...(body.empirical_policy
      ? { empirical_policy: json({ ...(JSON.parse(row.empirical_policy) as object), ...body.empirical_policy }) }
      : {}),
  };
}
