import type {
  BulkDeleteFlowRunsBody,
  BulkSetFlowRunStateBody,
  FlowRunCreate,
  FlowRunOrchestrationResult,
  FlowRunUpdate,
  ResumeFlowRunBody,
  SetFlowRunStateBody,
} from "../../wire/contract/shapes.ts";
import { ObjectNotFound, Refusal, reply, replyJson } from "../api-reply.ts";
import { createFlowRun } from "../orchestration/create-flow-run.ts";
import { resumeFlowRun } from "../orchestration/resume-flow-run.ts";
import { setFlowRunState } from "../orchestration/set-flow-run-state.ts";
import { addLabels, updateFlowRun } from "../orchestration/update-flow-run.ts";
import { flowRunText } from "../queries/render-flow-run.ts";
import type { ServerCore } from "../server-core.ts";
import { deleteFlowRun } from "../services/purge.ts";
import { found, param, type Handlers } from "./handler.ts";
import { listedIds } from "./listed-ids.ts";

/** Most runs that one request changes or deletes. */
const BULK = 50;

/** Flow runs. Bodies have the shapes of the route table's schemas. */
export const flowRunHandlers: Handlers = {
  "POST /flow_runs/": async (call, core) => {
    const { row, isNew } = await core.store.write(() => createFlowRun(core, call.body as FlowRunCreate));
    return replyJson(isNew ? 201 : 200, flowRunText(core.store, row));
  },
  "GET /flow_runs/{id}": async (call, { store }) => {
    const row = await store.read(() => store.flowRuns.byId(param(call, "id")));
    return replyJson(200, flowRunText(store, found(row, "Flow run")));
  },
  "PATCH /flow_runs/{id}": async (call, { store }) => {
    await store.write(() => updateFlowRun(store, param(call, "id"), call.body as FlowRunUpdate));
    return reply(204);
  },
  "PATCH /flow_runs/{id}/labels": async (call, { store }) => {
    const id = param(call, "id");
    const isThere = await store.write(() => addLabels(store, id, call.body as Record<string, unknown>));
    if (!isThere) throw new ObjectNotFound(`Flow run with id ${id} not found`);
    return reply(204);
  },
  "DELETE /flow_runs/{id}": async (call, { store }) => {
    if (!(await deleteFlowRun(store, param(call, "id")))) throw new Refusal(404, "Flow run not found");
    return reply(204);
  },
  "POST /flow_runs/bulk_delete": async (call, core) => {
    const { flow_runs = null, limit = BULK } = call.body as BulkDeleteFlowRunsBody;
    const ids = await listedIds(core, "/flow_runs/filter", { flow_runs, limit });
    const deleted: string[] = [];
    for (const id of ids) if (await deleteFlowRun(core.store, id)) deleted.push(id);
    return reply(200, { deleted });
  },
  "POST /flow_runs/{id}/set_state": async (call, core) => {
    const { state, force = false } = call.body as SetFlowRunStateBody;
    const policy = force ? "minimal" : "core";
    const { isNew, result } = await core.store.write(() =>
      setFlowRunState(core, { id: param(call, "id"), state, policy, userAgent: call.userAgent }),
    );
    return reply(isNew ? 201 : 200, result);
  },
  "POST /flow_runs/bulk_set_state": async (call, core) =>
    reply(200, { results: await setStates(core, call.body as BulkSetFlowRunStateBody, call.userAgent) }),
  "POST /flow_runs/{id}/resume": async (call, core) => {
    const { run_input: input = null } = call.body as ResumeFlowRunBody;
    const { isNew, result } = await core.store.write(() =>
      resumeFlowRun(core, { id: param(call, "id"), input, userAgent: call.userAgent }),
    );
    return reply(isNew ? 201 : 200, result);
  },
};

/** Proposes a state for each run; a run that is gone meanwhile fails none of the others. */
async function setStates(
  core: ServerCore,
  { flow_runs = null, state, force = false, limit = BULK }: BulkSetFlowRunStateBody,
  userAgent: string | undefined,
): Promise<FlowRunOrchestrationResult[]> {
  const { store } = core;
  const policy = force ? "minimal" : "core";
  const ids = await listedIds(core, "/flow_runs/filter", { flow_runs, limit });
  return Promise.all(
    ids.map(async (id): Promise<FlowRunOrchestrationResult> => {
      try {
        const { result } = await store.write(() => setFlowRunState(core, { id, state, policy, userAgent }));
        const { status, state: now, details } = result;
        return { flow_run_id: id, status, state: now, details };
      } catch (error) {
        if (!(error instanceof ObjectNotFound)) throw error;
        const details = { type: "abort_details", reason: error.message } as const;
        return { flow_run_id: id, status: "ABORT", state: null, details };
      }
    }),
  );
}
