import { isoToMicros } from "../../wire/timestamp.ts";
import { reply } from "../api-reply.ts";
import { readDependencies, readGraph } from "../queries/one-run/flow-run-graph.ts";
import { param, type Handlers } from "./handler.ts";

/** The graph of a flow run: which run waited for the result of which. */
export const graphHandlers: Handlers = {
  "GET /flow_runs/{id}/graph-v2": async (call, { store }) => {
    const sinceUs = isoToMicros(call.query.get("since") ?? "") ?? 0;
    return reply(200, await readGraph(store, param(call, "id"), sinceUs));
  },
  "GET /flow_runs/{id}/graph": async (call, { store }) => reply(200, await readDependencies(store, param(call, "id"))),
};
