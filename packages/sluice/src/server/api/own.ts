import { InvalidRequest, Refusal, reply } from "../api-reply.ts";
import { SERVER_PROTOCOL } from "../../wire/server-protocol.ts";
import { installSystemBlocks } from "../blocks/system-blocks.ts";
import { MAX_TREE, readTree } from "../queries/read-tree.ts";
import { found, param, type Handlers } from "./handler.ts";

/** What Sluice adds to the contract. */
export const ownHandlers: Handlers = {
  "GET /sluice/protocol": () => Promise.resolve(reply(200, SERVER_PROTOCOL)),
  "GET /sluice/flow_runs/{id}/tree": async (call, { store }) => {
    const max = Number(call.query.get("max_flow_runs") ?? MAX_TREE);
    if (!Number.isInteger(max) || max < 1 || max > MAX_TREE) {
      throw new InvalidRequest([
        { loc: ["query", "max_flow_runs"], msg: `Expected an integer from 1 to ${MAX_TREE}`, type: "value_error" },
      ]);
    }
    return reply(200, found(await store.read(() => readTree(store, param(call, "id"), max)), "Flow run"));
  },
  "POST /sluice/testing/reset": async (_call, core) => {
    if (!core.testing) throw new Refusal(404, "Not Found");
    await core.store.write(() => {
      core.store.empty();
      installSystemBlocks(core.store);
    });
    return reply(204);
  },
};
