import { reply } from "../api-reply.ts";
import { clearResultStorage, readResultStorage, writeResultStorage } from "../blocks/result-storage.ts";
import { settingsView } from "../queries/settings-view.ts";
import type { ServerDefaultResultStorageUpdate } from "../../wire/contract/shapes.ts";
import { Refusal } from "../api-reply.ts";
import type { Handlers } from "./handler.ts";

/** Version of the REST API: what clients compare with. */
const API_VERSION = "0.8.4";
/** Version of Prefect whose contract is served: clients refuse another major. */
const CONTRACT_VERSION = "3.8.8";

/** What clients ask at their start, and what there is only as far as a plain flow needs it. */
export const adminHandlers: Handlers = {
  "GET /health": () => Promise.resolve(reply(200, true)),
  "GET /ready": async (_call, { store, services }) => {
    await store.read(() => store.statement("SELECT 1").get());
    const sick = services.health().filter(({ isSick }) => isSick);
    if (sick.length === 0) return reply(200, { message: "OK" });
    return reply(503, { message: "Services are sick", services: sick });
  },
  "GET /hello": () => Promise.resolve(reply(200, "👋")),
  "GET /version": () => Promise.resolve(reply(200, API_VERSION)),
  "GET /admin/version": () => Promise.resolve(reply(200, CONTRACT_VERSION)),
  "GET /admin/settings": (_call, { settings }) => Promise.resolve(reply(200, settingsView(settings))),
  "GET /admin/storage": async (_call, { store }) =>
    reply(200, { default_result_storage_block_id: await store.read(() => readResultStorage(store)) }),
  "PUT /admin/storage": async (call, { store }) => {
    const { default_result_storage_block_id: id } = call.body as ServerDefaultResultStorageUpdate;
    await store.write(() => writeResultStorage(store, id));
    return reply(200, { default_result_storage_block_id: id });
  },
  "DELETE /admin/storage": async (_call, { store }) => {
    await store.write(() => clearResultStorage(store));
    return reply(204);
  },
  "GET /csrf-token": () => Promise.reject(new Refusal(422, "CSRF protection is disabled.")),
};
