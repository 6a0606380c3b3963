import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { HomeLink } from "../../engine/far-side-port.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { RunnerDescription } from "../../wire/run-spec.ts";
import { isOwnHost, reachableHome } from "../cluster/addresses.ts";
import { bridgeSettings, hashOfBundle } from "../cluster/bridge-settings.ts";
import { CodeShelf } from "../cluster/code/code-shelf.ts";
import { sdkFiles } from "../cluster/code/sdk-files.ts";
import type { DaskOptions } from "./dask-options.ts";
import { install } from "./install.ts";
import { readAddress, type TlsMaterial } from "./protocol/comm.ts";
import { DaskClient } from "./protocol/dask-client.ts";
import { filesPlugin, flowsPlugin, moduleName, schedulerPlugin, workerPlugin } from "./protocol/plugins.ts";
import { isRecord, textOf } from "./protocol/rpc.ts";

/** A connection to a cluster that knows this package, and the code that goes there. */
export interface DaskConnection {
  readonly client: DaskClient;
  /** Name of the Python module of the tasks, which also names the plugin's operations on workers. */
  readonly module: string;
  /** Name by which the scheduler knows the {@link BridgeSettings} of its runs. */
  readonly settings: string;
  readonly flowsPerWorker: number;
  /** Gives the hash of the bundle that holds a home's functions, once it is on the cluster. */
  codeOf(home: string): Promise<string>;
}

/** Where a cluster is, and how this process comes by it. */
export interface DaskTarget {
  readonly address: string;
  readonly tls: TlsMaterial | null;
}

/** The first release whose graphs have the form that is sent. */
const LEAST_DISTRIBUTED = [2025, 4] as const;
const DEFAULT_TIMEOUT_SECONDS = 30;
const DEFAULT_HEARTBEAT_SECONDS = 5;

/**
 * Connects to a cluster from outside and makes it ready: checks its version, gives it the plugin and the package's own files.
 *
 * @throws SluiceError SLUICE_CLUSTER_UNREACHABLE; SLUICE_CLUSTER_UNFIT for a version that is too old, or a server that its nodes cannot reach; SLUICE_CLUSTER_REFUSED with what a node said
 */
export async function connectToDask(
  target: DaskTarget,
  parts: {
    readonly description: RunnerDescription;
    readonly options: DaskOptions;
    readonly link: HomeLink;
    readonly onLost: (reason: string) => void;
  },
): Promise<DaskConnection> {
  const { options, link, description } = parts;
  const module = moduleName();
  const sdk = await sdkFiles(link.engineUrl);
  const client = await openClient(target, { module, clientKwargs: options.clientKwargs, onLost: parts.onLost });
  try {
    await refuseOldVersion(client);
    const identity = await client.identity();
    const hosts = [target.address, ...identity.workers.map(({ address }) => address)].map((at) => readAddress(at).host);
    const isEncrypted = target.address.startsWith("tls:");
    const address = reachableHome(link.address, { hosts, isEncrypted }, options.apiUrl);
    await install(client, [schedulerPlugin(module)], "register_scheduler_plugin");
    await install(
      client,
      [
        workerPlugin(module),
        filesPlugin(module, `sdk/${sdk.hash}`, sdk.files),
        flowsPlugin(module, options.flowsPerWorker),
      ],
      "register_worker_plugin",
    );
    const text = bridgeSettings({
      options,
      sdk,
      link,
      address,
      hosts,
      cluster: {
        description,
        connection: { module, flowsPerWorker: options.flowsPerWorker, clientKwargs: options.clientKwargs },
      },
    });
    await client.call(`${module}_put_settings`, { name: nameOf(text), text });
    const codes = new CodeShelf({
      sdk,
      external: options.external,
      tellsAssets: !hosts.every(isOwnHost),
      send: ({ hash: name, files }) =>
        install(client, [filesPlugin(module, `code/${name}`, files)], "register_worker_plugin"),
    });
    return {
      client,
      module,
      settings: nameOf(text),
      flowsPerWorker: options.flowsPerWorker,
      codeOf: (home) => codes.hashOf(home),
    };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Connects from a node of the cluster: everything is there already. */
export async function connectFromNode(
  connection: Readonly<Record<string, unknown>>,
  onLost: (reason: string) => void,
): Promise<DaskConnection> {
  // Written by settingsOf below, and completed by the bridge channel.
  const { scheduler, tls, settings, module, flowsPerWorker, clientKwargs } = connection as {
    readonly scheduler: string;
    readonly tls: TlsMaterial | null;
    readonly settings: string;
    readonly module: string;
    readonly flowsPerWorker: number;
    readonly clientKwargs: Readonly<Record<string, unknown>>;
  };
  const target = { address: scheduler, tls: tls === null ? null : readMaterial(tls) };
  const client = await openClient(target, { module, clientKwargs, onLost });
  return {
    client,
    module,
    settings: nameOf(settings),
    flowsPerWorker,
    codeOf: (home) => Promise.resolve(hashOfBundle(home)),
  };
}

/** They may hold credentials of the server: whoever does not know them cannot name them. */
function nameOf(settings: string): string {
  return hash("sha256", settings).slice(0, 40);
}

/** Reads certificates that were given as texts or as paths. @throws SluiceError SLUICE_OPTION_INVALID for a file that cannot be read */
export function readMaterial(given: TlsMaterial): TlsMaterial {
  const read = (option: keyof TlsMaterial): string => {
    const text = given[option];
    if (text.startsWith("-----BEGIN")) return text;
    try {
      return readFileSync(text, "utf8");
    } catch (cause) {
      throw new SluiceError(
        "SLUICE_OPTION_INVALID",
        `Expected security.${option} of the DaskTaskRunner to be a PEM text or the path of one, got ${JSON.stringify(text)}: ${cause instanceof Error ? cause.message : String(cause)}.`,
        { cause },
      );
    }
  };
  return { ca: read("ca"), cert: read("cert"), key: read("key") };
}

function openClient(
  target: DaskTarget,
  parts: {
    readonly module: string;
    readonly clientKwargs: Readonly<Record<string, unknown>>;
    readonly onLost: (reason: string) => void;
  },
): Promise<DaskClient> {
  const { timeout, heartbeat_interval: heartbeat, name } = parts.clientKwargs;
  return DaskClient.connect(target.address, {
    tls: target.tls,
    timeoutMs: secondsOf(timeout, DEFAULT_TIMEOUT_SECONDS) * 1000,
    heartbeatMs: secondsOf(heartbeat, DEFAULT_HEARTBEAT_SECONDS) * 1000,
    name: typeof name === "string" ? name : "sluice",
    module: parts.module,
    onLost: parts.onLost,
  });
}

function secondsOf(value: unknown, fallback: number): number {
  return typeof value === "number" ? value : fallback;
}

async function refuseOldVersion(client: DaskClient): Promise<void> {
  const answer = await client.call("versions");
  const packages = isRecord(answer) && isRecord(answer["packages"]) ? answer["packages"] : {};
  const version = textOf(packages["distributed"], "unknown");
  const [year = 0, month = 0] = version.split(".").map(Number);
  const [leastYear, leastMonth] = LEAST_DISTRIBUTED;
  if (year > leastYear || (year === leastYear && month >= leastMonth)) return;
  throw new SluiceError(
    "SLUICE_CLUSTER_UNFIT",
    `Expected a Dask cluster of distributed ${LEAST_DISTRIBUTED.join(".")} or newer at ${client.address}, got ${version}. Upgrade the cluster: pip install "distributed>=${LEAST_DISTRIBUTED.join(".")}"`,
  );
}
