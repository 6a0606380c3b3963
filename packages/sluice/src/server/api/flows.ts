import type { CountFlowsBody, FlowCreate, FlowUpdate, ReadFlowsBody } from "../../wire/contract/shapes.ts";
import { Refusal, reply } from "../api-reply.ts";
import { tellFlow } from "../events/object-events.ts";
import { countRows, readFlows } from "../queries/read-runs.ts";
import { found, param, type Handlers } from "./handler.ts";
import { deleteFlow } from "../services/purge.ts";
import { flowBody } from "../queries/render.ts";

/** Flows: made once by name, then found. Bodies have the shapes of the route table's schemas. */
export const flowHandlers: Handlers = {
  "POST /flows/": async (call, { store, events }) => {
    const body = call.body as FlowCreate;
    const { row, isNew } = await store.write(() => {
      const known = store.flows.byName(body.name);
      if (known) return { row: known, isNew: false };
      const made = store.flows.insert({ name: body.name, tags: body.tags ?? [], labels: body.labels ?? {} });
      tellFlow(events, "created", made);
      return { row: made, isNew: true };
    });
    return reply(isNew ? 201 : 200, flowBody(row));
  },
  "GET /flows/{id}": async (call, { store }) => {
    const row = await store.read(() => store.flows.byId(param(call, "id")));
    return reply(200, flowBody(found(row, "Flow")));
  },
  "GET /flows/name/{name}": async (call, { store }) => {
    const row = await store.read(() => store.flows.byName(param(call, "name")));
    return reply(200, flowBody(found(row, "Flow")));
  },
  "POST /flows/filter": async (call, { store }) => {
    const body = call.body as ReadFlowsBody;
    const rows = await store.read(() => readFlows(store, body, body));
    return reply(200, rows.map(flowBody));
  },
  "POST /flows/count": async (call, { store }) =>
    reply(200, await store.read(() => countRows(store, "flow", call.body as CountFlowsBody))),
  "PATCH /flows/{id}": async (call, { store, events }) => {
    const { tags } = call.body as FlowUpdate;
    const id = param(call, "id");
    await store.write(() => {
      if (tags) store.flows.updateTags(id, tags);
      const flow = store.flows.byId(id);
      if (!flow) throw new Refusal(404, "Flow not found");
      tellFlow(events, "updated", flow);
    });
    return reply(204);
  },
  "DELETE /flows/{id}": async (call, core) => {
    if (!(await deleteFlow(core, param(call, "id")))) throw new Refusal(404, "Flow not found");
    return reply(204);
  },
};
