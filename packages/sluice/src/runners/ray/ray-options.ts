import type { NodeOptions } from "../cluster/bridge-settings.ts";
import type { CheckedJobs } from "./jobs/jobs-options.ts";

/** Options of a `RayTaskRunner`, checked, with every default filled in: plain data, which its description holds. */
export interface RayOptions extends NodeOptions {
  /** Null: a cluster of this machine is started, and ends with this process. */
  readonly address: string | null;
  readonly initKwargs: Readonly<Record<string, unknown>>;
  readonly remoteOptions: Readonly<Record<string, unknown>>;
  /** Null: flows go by the bridge, as tasks do. */
  readonly jobs: CheckedJobs | null;
  readonly python: string | null;
  /** 0: as many as the cluster has CPUs. */
  readonly flowsAtOnce: number;
  readonly apiUrl: string | null;
  readonly external: readonly string[];
  readonly idleSeconds: number;
}
