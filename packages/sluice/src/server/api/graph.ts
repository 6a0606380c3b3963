import { isoToMicros } from "../../wire/timestamp.ts";
import { InvalidRequest, reply } from "../api-reply.ts";
import { readDependencies, readGraph } from "../queries/one-run/flow-run-graph.ts";
import { MAX_TREE, readTree } from "../queries/read-tree.ts";
import { found, param, type ReadHandlers } from "./handler.ts";

/** What belongs to a flow run: its graph (which run waited for the result of which), and its tree, which is our own. */
export const graphHandlers: ReadHandlers = {
  "GET /flow_runs/{id}/graph-v2": async (call, { store }) => {
    const sinceUs = isoToMicros(call.query.get("since") ?? "") ?? 0;
    return reply(200, await readGraph(store, param(call, "id"), sinceUs));
  },
  "GET /flow_runs/{id}/graph": async (call, { store }) => reply(200, await readDependencies(store, param(call, "id"))),
  "GET /sluice/flow_runs/{id}/tree": async (call, { store }) => {
    const max = Number(call.query.get("max_flow_runs") ?? MAX_TREE);
    if (!Number.isInteger(max) || max < 1 || max > MAX_TREE) {
      throw new InvalidRequest([
        { loc: ["query", "max_flow_runs"], msg: `Expected an integer from 1 to ${MAX_TREE}`, type: "value_error" },
      ]);
    }
    return reply(200, found(await store.read(() => readTree(store, param(call, "id"), max)), "Flow run"));
  },
};
