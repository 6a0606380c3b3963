import type { BulkDeleteFlowsBody, FlowCreate, FlowUpdate } from "../../wire/contract/shapes.ts";
import { Refusal, reply } from "../api-reply.ts";
import { tellFlow } from "../events/object-events.ts";
import { found, param, type Handlers } from "./handler.ts";
import { listedIds } from "./listed-ids.ts";
import { pageLimit } from "../request/check-request.ts";
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
  "POST /flows/bulk_delete": async (call, core) => {
    const body = call.body as BulkDeleteFlowsBody;
    const limit = pageLimit(body.limit);
    const ids = await listedIds(core, "/flows/filter", { flows: body.flows ?? null, limit });
    const deleted: string[] = [];
    for (const id of ids) if (await deleteFlow(core, id)) deleted.push(id);
    return reply(200, { deleted });
  },
};
