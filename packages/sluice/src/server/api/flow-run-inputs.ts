import type { CreateFlowRunInputBody, FilterFlowRunInputBody, FlowRunInput } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { InvalidRequest, Refusal, reply } from "../api-reply.ts";
import { deleteInput, inputOf, inputsOf, insertInput, type FlowRunInputRow } from "../db/flow-run-inputs.ts";
import { valueFault } from "../request/faults.ts";
import { found, param, type Handlers } from "./handler.ts";

const KEY = /^[a-z0-9-]*$/;

/** Values that are sent to a running flow run, under keys. Bodies have the shapes of the route table's schemas. */
export const flowRunInputHandlers: Handlers = {
  "POST /flow_runs/{id}/input": async (call, { store }) => {
    const body = call.body as CreateFlowRunInputBody;
    const { key, value, sender = null } = body;
    if (!KEY.test(key)) {
      const reason = "value must only contain lowercase letters, numbers, and dashes.";
      throw new InvalidRequest([valueFault(["body", "key"], reason, key)], body);
    }
    await store.write(() => {
      const { id } = found(store.flowRuns.byId(param(call, "id")), "Flow run");
      if (!insertInput(store, { flow_run_id: id, key, value, sender }))
        throw new Refusal(409, "A flow run input with this key already exists.");
    });
    return reply(201, null);
  },
  "POST /flow_runs/{id}/input/filter": async (call, { store }) => {
    const { prefix, limit = 1, exclude_keys: excludedKeys = [] } = call.body as FilterFlowRunInputBody;
    const rows = await store.read(() => inputsOf(store, param(call, "id"), { prefix, limit, excludedKeys }));
    return reply(200, rows.map(inputBody));
  },
  "GET /flow_runs/{id}/input/{key}": async (call, { store }) => {
    const row = await store.read(() => inputOf(store, param(call, "id"), param(call, "key")));
    const { value } = found(row, "Flow run input");
    return { status: 200, body: value, headers: { "content-type": "text/plain; charset=utf-8" } };
  },
  "DELETE /flow_runs/{id}/input/{key}": async (call, { store }) => {
    const isThere = await store.write(() => deleteInput(store, param(call, "id"), param(call, "key")));
    if (!isThere) throw new Refusal(404, "Flow run input not found");
    return reply(204);
  },
};

function inputBody(row: FlowRunInputRow): FlowRunInput {
  return { ...row, created: microsToIso(row.created), updated: microsToIso(row.updated) };
}
