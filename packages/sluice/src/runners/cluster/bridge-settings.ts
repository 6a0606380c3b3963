import { fileURLToPath } from "node:url";
import type { HomeLink } from "../../engine/far-side-port.ts";
import { bundleOfHome } from "../../engine/functions/shipped-modules.ts";
import { siblingModule } from "../pool/executor.ts";
import { isOwnHost } from "./addresses.ts";
import { cloneVersion, type BridgeSettings } from "./carried-order.ts";
import type { SdkFiles } from "./code/sdk-files.ts";

/** Options that runners on clusters have in common. */
export interface NodeOptions {
  /** Null: this process's own where the nodes are its machine, else `node` on their PATH. */
  readonly node: string | null;
  readonly nodeOptions: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const LEAST_NODE = [24, 11] as const;

/** What the Node processes of a cluster are started with, as JSON. */
export function bridgeSettings(parts: {
  readonly options: NodeOptions;
  readonly sdk: SdkFiles;
  readonly link: HomeLink;
  /** `HomeLink.address` as the nodes reach it. */
  readonly address: Readonly<Record<string, string>>;
  readonly hosts: readonly string[];
  readonly cluster: BridgeSettings["cluster"];
}): string {
  const { options, sdk, link, address, hosts, cluster } = parts;
  const settings: BridgeSettings = {
    node: nodesOf(options, hosts),
    least_node: LEAST_NODE,
    exec_argv: ["--enable-source-maps", ...options.nodeOptions],
    env: { ...link.environment, ...options.env },
    sdk: sdk.hash,
    entry: shippedPath(sdk, siblingModule("../far-side/entry", import.meta.url).href),
    clone: cloneVersion(),
    engine: shippedPath(sdk, link.engineUrl),
    far: { pools: [cluster.description], address, engineUrl: "", pythonFolder: "" },
    cluster,
  };
  return JSON.stringify(settings);
}

/** Workers of this machine may have no Node on their PATH, or an older one, where this process brought its own. */
function nodesOf({ node }: NodeOptions, hosts: readonly string[]): readonly string[] {
  if (node !== null) return [node];
  return hosts.every(isOwnHost) ? [process.execPath, "node"] : ["node"];
}

function shippedPath(sdk: SdkFiles, url: string): string {
  const path = sdk.pathOf(fileURLToPath(url));
  if (path === undefined) throw new Error(`${url} is not among the files for clusters`);
  return path;
}

/** The bundle that a function of this node came from, by its file `code/<hash>/bundle.mjs`. */
export function hashOfBundle(home: string): string {
  const bundle = /\/code\/([0-9a-f]+)\/[^/]+$/.exec(bundleOfHome(home) ?? "")?.[1];
  if (bundle === undefined) throw new Error(`${home} came from no bundle`);
  return bundle;
}
