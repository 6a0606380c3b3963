import type { RunnerNotice } from "../../engine/task-runner.ts";
import { SluiceError } from "../../wire/errors.ts";
import type { RunnerDescription } from "../../wire/run-spec.ts";
import { isOwnHost, reachableHome } from "../cluster/addresses.ts";
import { bridgeSettings, hashOfBundle } from "../cluster/bridge-settings.ts";
import type { BridgeSettings } from "../cluster/carried-order.ts";
import { ClusterPool, dashboardNotice, type OpenCluster } from "../cluster/cluster-pool.ts";
import { CodeShelf } from "../cluster/code/code-shelf.ts";
import { findPython } from "../cluster/python-interpreter.ts";
import { sdkFiles } from "../cluster/code/sdk-files.ts";
import { describe, requireLink, runnersRuntime, type LivePool } from "../runtime.ts";
import { LocalSlotLedger } from "../slot-ledger.ts";
import { FlowsAsJobs } from "./flows-as-jobs.ts";
import { flowSlot, flowsAtOnceOf, moduleOfDriver } from "./ray-flows.ts";
import { startBridge, type RayEvent, type RayLine } from "./ray-line.ts";
import { RayMail } from "./ray-mail.ts";
import type { RayOptions } from "./ray-options.ts";
import { RayRun } from "./ray-run.ts";

/** Gives the cluster behind a runner: the live one of this thread, or of a worker's parents, else one that is opened at the first run. */
export function rayFor(description: RunnerDescription, options: RayOptions): Pick<LivePool, "carry"> {
  const { pools, uplink } = runnersRuntime();
  const known = pools.get(describe(description)) ?? uplink?.attach(description);
  if (known !== undefined) return known;
  const open = (onLost: (reason: string) => void) => openCluster(description, options, onLost);
  const { jobs, idleSeconds } = options;
  const bridge = new ClusterPool({ description, open, idleSeconds });
  if (jobs === null) return register(bridge);
  // Loaded by the programs that want it: others have no use for what makes packages.
  const openAsJobs = async () => (await import("./jobs/open-jobs.ts")).openJobs(description, options, jobs);
  const asJobs = new ClusterPool({ description, open: openAsJobs, idleSeconds });
  return register(new FlowsAsJobs(asJobs, bridge));
}

/** The cluster that this process itself runs on, by the driver of the Ray worker above it. */
export function attachToRay(
  description: RunnerDescription,
  connection: Readonly<Record<string, unknown>>,
  line: {
    send(message: object, parts?: readonly Uint8Array[]): void;
    onEvent(listener: (event: RayEvent, content: Buffer) => void): void;
  },
): LivePool {
  const known = runnersRuntime().pools.get(describe(description));
  if (known !== undefined) return known;
  // Written by openCluster below, and completed by the bridge channel.
  const { settings, flowsAtOnce, remoteOptions } = connection as {
    readonly settings: string;
    readonly flowsAtOnce: number;
    readonly remoteOptions: Readonly<Record<string, unknown>>;
  };
  const { sdk } = JSON.parse(settings) as BridgeSettings;
  const own: RayLine = { ...line, ref: () => undefined, unref: () => undefined, close: () => Promise.resolve() };
  const open = (): Promise<OpenCluster> =>
    Promise.resolve(
      openRay({
        line: own,
        mail: new RayMail(own, sdk),
        notices: [],
        flowsAtOnce,
        remoteOptions,
        codeOf: async (home) => hashOfBundle(home),
      }),
    );
  return register(new ClusterPool({ description, open, idleSeconds: 30 }));
}

function register(cluster: LivePool): LivePool {
  runnersRuntime().pools.set(describe(cluster.description), cluster);
  return cluster;
}

interface RayParts {
  readonly line: RayLine;
  readonly mail: RayMail;
  readonly notices: RunnerNotice[];
  readonly flowsAtOnce: number;
  readonly remoteOptions: Readonly<Record<string, unknown>>;
  readonly codeOf: (home: string) => Promise<string>;
}

/** Makes a connection carry runs. */
function openRay({ line, mail, notices, flowsAtOnce, remoteOptions, codeOf }: RayParts): OpenCluster {
  const flows = new LocalSlotLedger(flowsAtOnce);
  return {
    carry: async (spec, options) => {
      const { home } = spec.function;
      // What Python runs needs no code of ours.
      const code = home === null || spec.python !== undefined ? "" : await codeOf(home);
      const own = options.placement as Readonly<Record<string, unknown>> | undefined; // checked with the options of the flow or task
      const ray = { ...(spec.kind === "flow" && { num_cpus: 0 }), ...remoteOptions, ...own };
      const ticket = spec.kind === "flow" ? await flowSlot(flows, spec.depth) : undefined;
      try {
        return await new RayRun(spec, options, mail).run(code, mail, ray);
      } finally {
        ticket?.release();
      }
    },
    cancelRun: (runId) => line.send({ op: "cancel_run", run_id: runId }),
    notices,
    ref: () => line.ref(),
    unref: () => mail.unref(),
    close: () => line.close(),
  };
}

async function openCluster(
  description: RunnerDescription,
  options: RayOptions,
  onLost: (reason: string) => void,
): Promise<OpenCluster> {
  if (options.jobs !== null && options.address === null) throw noAddress(options.jobs.url);
  const link = requireLink();
  const sdk = await sdkFiles(link.engineUrl);
  const python = findPython("ray", options.python, link.pythonFolder);
  const init = {
    include_dashboard: false,
    ...(options.address !== null && { address: options.address }),
    ...options.initKwargs,
  };
  if (options.address !== null) delete (init as { include_dashboard?: boolean }).include_dashboard;
  let mail: RayMail | undefined;
  const { line, facts } = await startBridge(
    python,
    { module: moduleOfDriver(), init_kwargs: init },
    {
      env: options.env,
      onLost: (reason) => {
        mail?.lost(reason);
        onLost(reason);
      },
    },
  );
  try {
    const address = reachableHome(link.address, { hosts: facts.hosts, isEncrypted: false }, options.apiUrl);
    const flowsAtOnce = flowsAtOnceOf(options, facts.cpus);
    const { remoteOptions } = options;
    const cluster = { description, connection: { flowsAtOnce, remoteOptions } };
    sendFiles(line, `sdk/${sdk.hash}`, sdk.files);
    line.send({ op: "settings", text: bridgeSettings({ options, sdk, link, address, hosts: facts.hosts, cluster }) });
    mail = new RayMail(line, sdk.hash);
    const codes = new CodeShelf({
      sdk,
      external: options.external,
      tellsAssets: !facts.hosts.every(isOwnHost),
      send: async ({ hash, files }) => sendFiles(line, `code/${hash}`, files),
    });
    const notices = facts.dashboard === null ? [] : [dashboardNotice("Ray", `http://${facts.dashboard}`)];
    return openRay({ line, mail, notices, flowsAtOnce, remoteOptions, codeOf: (home) => codes.hashOf(home) });
  } catch (error) {
    await line.close();
    throw error;
  }
}

/** A cluster that was made for the tasks would not be that of the flows. */
function noAddress(url: string): SluiceError {
  return new SluiceError(
    "SLUICE_CLUSTER_UNFIT",
    `This runner sends flows to ${url} as Ray jobs. A task that is submitted beside them goes by the bridge, which needs the option "address" of that cluster; or submit the task inside of a submitted flow.`,
  );
}

function sendFiles(line: RayLine, folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  const sizes = Array.from(files, ([path, bytes]) => [path, bytes.length]);
  line.send({ op: "files", folder, files: sizes }, [...files.values()]);
}
