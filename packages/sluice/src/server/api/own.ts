import { Refusal, reply } from "../api-reply.ts";
import { SERVER_PROTOCOL } from "../../wire/server-protocol.ts";
import { installSystemBlocks } from "../blocks/system-blocks.ts";
import type { Handlers } from "./handler.ts";

/** What Sluice adds to the contract. */
export const ownHandlers: Handlers = {
  "GET /sluice/protocol": () => Promise.resolve(reply(200, SERVER_PROTOCOL)),
  "POST /sluice/testing/reset": async (_call, core) => {
    if (!core.testing) throw new Refusal(404, "Not Found");
    await core.store.write(() => {
      core.store.empty();
      installSystemBlocks(core.store);
    });
    return reply(204);
  },
};
