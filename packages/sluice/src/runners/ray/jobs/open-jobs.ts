import type { RunnerDescription } from "../../../wire/run-spec.ts";
import { SluiceError } from "../../../wire/errors.ts";
import { isOwnHost, reachableHome } from "../../cluster/addresses.ts";
import { bridgeSettings } from "../../cluster/bridge-settings.ts";
import { dashboardNotice, type OpenCluster } from "../../cluster/cluster-pool.ts";
import { CodeShelf } from "../../cluster/code/code-shelf.ts";
import { sdkFiles } from "../../cluster/code/sdk-files.ts";
import { requireLink } from "../../runtime.ts";
import { LocalSlotLedger } from "../../slot-ledger.ts";
import { flowSlot, flowsAtOnceOf, moduleOfDriver } from "../ray-flows.ts";
import type { RayOptions } from "../ray-options.ts";
import { JobPackages } from "./job-packages.ts";
import { JobRun } from "./job-run.ts";
import { JobServer } from "./job-server.ts";
import { jobOptions, type CheckedJobs } from "./jobs-options.ts";

/**
 * Makes flow runs Ray jobs of a cluster. Nothing is kept open for it.
 *
 * @throws SluiceError SLUICE_CLUSTER_UNREACHABLE, SLUICE_CLUSTER_UNFIT for an address without a job server, or nodes that cannot reach the API
 */
export async function openJobs(
  description: RunnerDescription,
  options: RayOptions,
  jobs: CheckedJobs,
): Promise<OpenCluster> {
  const link = requireLink();
  const server = new JobServer(jobs);
  const { hosts, cpus } = await server.facts();
  const address = reachableHome(link.address, { hosts, isEncrypted: jobs.url.startsWith("https:") }, options.apiUrl);
  const sdk = await sdkFiles(link.engineUrl);
  const flowsAtOnce = flowsAtOnceOf(options, cpus);
  const cluster = { description, connection: { flowsAtOnce, remoteOptions: options.remoteOptions } };
  const settings = bridgeSettings({ options, sdk, link, address, hosts, cluster });
  const packages = new JobPackages(server, sdk);
  const codes = new CodeShelf({
    sdk,
    external: options.external,
    tellsAssets: !hosts.every(isOwnHost),
    send: async (bundle) => packages.add(bundle),
  });
  const common = {
    server,
    packages,
    sdk: sdk.hash,
    settings,
    module: moduleOfDriver(),
    initKwargs: options.initKwargs,
  };
  const flows = new LocalSlotLedger(flowsAtOnce);
  const open = new Map<string, JobRun>();
  return {
    carry: async (spec, carry) => {
      const { home } = spec.function;
      if (home === null) throw new Error(`the flow ${spec.function.name} has no module`); // refused by the pool
      const own = carry.placement as Readonly<Record<string, unknown>> | undefined; // checked with the options of the flow
      const submitOptions = { ...jobs.submitOptions, ...jobOptions(own ?? {}) };
      const code = await codes.hashOf(home);
      const ticket = await flowSlot(flows, spec.depth);
      try {
        // A job that was given up, since nobody answered, may still be there.
        await open.get(spec.run_id)?.abandon();
        const run = new JobRun(spec, carry, { ...common, code, submitOptions });
        open.set(spec.run_id, run);
        const end = await run.run();
        open.delete(spec.run_id);
        return end;
      } finally {
        ticket.release();
      }
    },
    cancelRun: (runId) =>
      open.get(runId)?.cancel(new SluiceError("SLUICE_CANCELLED", "The flow run was cancelled by request.")),
    notices: [dashboardNotice("Ray", jobs.url)],
    ref: () => undefined,
    unref: () => undefined,
    close: () => Promise.resolve(),
  };
}
