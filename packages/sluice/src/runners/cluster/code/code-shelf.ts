import { bundleModule, type CodeBundle } from "./code-bundle.ts";
import type { SdkFiles } from "./sdk-files.ts";

/** What the bundles of a cluster have in common. */
export interface ShelfPlan {
  readonly sdk: SdkFiles;
  readonly external: readonly string[];
  readonly tellsAssets: boolean;
  /** Puts a bundle on the cluster. */
  readonly send: (bundle: CodeBundle) => Promise<void>;
}

/** The bundles of one cluster: each made and sent once. */
export class CodeShelf {
  readonly #plan: ShelfPlan;
  readonly #sent = new Map<string, Promise<string>>();

  constructor(plan: ShelfPlan) {
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
    const { sdk, external, tellsAssets, send } = this.#plan;
    const bundle = await bundleModule(home, sdk, external);
    if (tellsAssets) tellAssets(bundle);
    await send(bundle);
    return bundle.hash;
  }
}

function tellAssets({ assets }: CodeBundle): void {
  if (assets.length === 0) return;
  process.stderr.write(
    `sluice: files that code reads beside itself do not go to the cluster: ${assets.join(", ")}. Its nodes look for them at the same paths.\n`,
  );
}
