import { SluiceError } from "../../wire/errors.ts";
import type { DaskClient } from "./protocol/dask-client.ts";
import type { Plugin } from "./protocol/plugins.ts";
import { isRecord } from "./protocol/rpc.ts";

/** Gives plugins to a cluster. @throws SluiceError SLUICE_CLUSTER_REFUSED with what a node said */
export async function install(client: DaskClient, plugins: readonly Plugin[], operation: string): Promise<void> {
  for (const { name, pickle } of plugins) {
    const answers = await client.call(operation, { plugin: pickle, name, idempotent: true });
    if (!isRecord(answers)) continue;
    const failed = Object.entries(answers).find(([, answer]) => isRecord(answer) && answer["status"] === "error");
    if (failed === undefined) continue;
    // A plugin that failed is remembered by its name, and would never be tried again.
    await client.call(operation.replace("register", "unregister"), { name });
    const [worker, answer] = failed;
    throw new SluiceError(
      "SLUICE_CLUSTER_REFUSED",
      `${worker} could not take ${name}: ${String(isRecord(answer) ? answer["exception_text"] : answer)}`,
    );
  }
}
