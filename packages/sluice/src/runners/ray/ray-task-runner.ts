import type { CarryOptions, TaskRunner } from "../../engine/task-runner.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../../wire/run-spec.ts";
import { checkCountOrAll, checkData, checkEnvironment, checkText, checkTexts } from "../cluster/check-options.ts";
import { checkKeys, checkSeconds } from "../runner-options.ts";
import { rayFor } from "./attach.ts";
import { checkJobs, type RayJobsOptions } from "./jobs/jobs-options.ts";
import type { RayOptions } from "./ray-options.ts";

/** Options of a {@link RayTaskRunner}; `initKwargs`, `remoteOptions` and `jobs.submitOptions` pass their keys on to Ray untouched. */
export interface RayTaskRunnerOptions {
  /** As `ray.init(address=…)` takes it: "auto", `host:port`, `ray://host:port`. Default: a cluster of this machine is started for this process. */
  readonly address?: string;
  /** Given to `ray.init()`, such as `{ num_cpus: 4 }` for a cluster of this machine, or `{ namespace: "etl" }`. */
  readonly initKwargs?: Readonly<Record<string, unknown>>;
  /** Given to each remote function's `.options()`, such as `{ num_cpus: 2, max_retries: 0 }`; `with({ ray: {…} })` adds to them. */
  readonly remoteOptions?: Readonly<Record<string, unknown>>;
  /**
   * Submitted flows go to the cluster as Ray jobs, by the REST API of its dashboard: this machine then needs neither Python nor Ray, and `address` only for tasks that are submitted
   * beside them. `with({ ray: { num_cpus, num_gpus, memory, resources, label_selector } })` of such a flow is what its job reserves. Default: flows go by the bridge, as tasks do.
   */
  readonly jobs?: RayJobsOptions;
  /** Python with the cluster's own version of Ray. Default: `SLUICE_PYTHON`, then the environment of `npx sluice ray install`. */
  readonly python?: string;
  /** Submitted flows that run at once, of this process. They take no CPU of Ray's. Default: as many as the cluster has CPUs. */
  readonly flowsAtOnce?: number;
  /** Address of the API as the nodes reach it. Default: the one that this process uses. */
  readonly apiUrl?: string;
  /** Node.js on the nodes, a name on their PATH or a path. Default: this process's own where they are its machine, else `node`. */
  readonly node?: string;
  /** Options of Node for the processes on the nodes. */
  readonly nodeOptions?: readonly string[];
  /** Environment of the bridge and of those processes, such as `RAY_AUTH_TOKEN`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Packages that the nodes have themselves and that are not to be bundled. */
  readonly external?: readonly string[];
  /** Seconds without a run after which the cluster is left. Default 30. */
  readonly idleSeconds?: number;
}

const NAME = "RayTaskRunner";
const IDLE_SECONDS = 30;
const OPTIONS = [
  "address",
  "initKwargs",
  "remoteOptions",
  "jobs",
  "python",
  "flowsAtOnce",
  "apiUrl",
  "node",
  "nodeOptions",
  "env",
  "external",
  "idleSeconds",
] as const;

/**
 * Runs what is submitted on a Ray cluster, tasks and whole subflows, through one Python process beside this one.
 *
 * The nodes need `node` (24.11 or newer) on their PATH and nothing of Sluice's. Runners with equal options share one cluster, also those that subflows on its nodes make again.
 *
 * @throws SluiceError `SLUICE_OPTION_INVALID` at construction
 */
export class RayTaskRunner implements TaskRunner {
  readonly keepsValues = true;
  readonly description: RunnerDescription;
  readonly #options: RayOptions;

  constructor(options: RayTaskRunnerOptions = {}) {
    checkKeys(NAME, options, OPTIONS);
    const given = (option: string, value: unknown) => ({ runner: NAME, option, value });
    this.#options = {
      address: checkText(given("address", options.address)),
      initKwargs: checkData(given("initKwargs", options.initKwargs)) ?? {},
      remoteOptions: checkData(given("remoteOptions", options.remoteOptions)) ?? {},
      jobs: checkJobs(given("jobs", options.jobs)),
      python: checkText(given("python", options.python)),
      flowsAtOnce: checkCountOrAll(given("flowsAtOnce", options.flowsAtOnce)),
      apiUrl: checkText(given("apiUrl", options.apiUrl)),
      node: checkText(given("node", options.node)),
      nodeOptions: checkTexts(given("nodeOptions", options.nodeOptions)),
      env: checkEnvironment(NAME, options.env),
      external: checkTexts(given("external", options.external)),
      idleSeconds: checkSeconds(given("idleSeconds", options.idleSeconds), IDLE_SECONDS),
    };
    const { jobs } = this.#options;
    // What a node is told of the runner has no headers: they may be credentials of the job server.
    const described = jobs === null ? null : { url: jobs.url, submitOptions: jobs.submitOptions };
    this.description = { kind: "ray", options: { ...this.#options, jobs: described } };
  }

  carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    return rayFor(this.description, this.#options).carry(spec, options);
  }
}
