import { SluiceError } from "../../wire/errors.ts";
import { bundleModule, type CodeBundle } from "../cluster/code-bundle.ts";
import type { SdkFiles } from "../cluster/sdk-files.ts";
import type { DaskClient } from "./protocol/dask-client.ts";
import { filesPlugin, type Plugin } from "./protocol/plugins.ts";
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

/** What the bundles of a cluster have in common. */
export interface ShelfPlan {
  readonly module: string;
  readonly sdk: SdkFiles;
  readonly external: readonly string[];
  readonly tellsAssets: boolean;
}

/** The bundles of one cluster: each made and sent once. */
export class CodeShelf {
  readonly #client: DaskClient;
  readonly #plan: ShelfPlan;
  readonly #sent = new Map<string, Promise<string>>();

  constructor(client: DaskClient, plan: ShelfPlan) {
    this.#client = client;
    this.#plan = plan;
  }

  hashOf(home: string): Promise<string> {
    let sent = this.#sent.get(home);
    if (sent === undefined) {
      this.#sent.set(home, (sent = this.#send(home)));
      // A module that did not bundle may do so at the next try: a package was installed meanwhile.
      sent.catch(() => this.#sent.delete(home));
    }
    return sent;
  }

  async #send(home: string): Promise<string> {
    const { module, sdk, external, tellsAssets } = this.#plan;
    const bundle = await bundleModule(home, sdk, external);
    if (tellsAssets) tellAssets(bundle);
    await install(this.#client, [filesPlugin(module, `code/${bundle.hash}`, bundle.files)], "register_worker_plugin");
    return bundle.hash;
  }
}

function tellAssets({ assets }: CodeBundle): void {
  if (assets.length === 0) return;
  process.stderr.write(
    `sluice: files that code reads beside itself do not go to the cluster: ${assets.join(", ")}. Its nodes look for them at the same paths.\n`,
  );
}
