import { hash } from "node:crypto";
import type { CarryOptions, TaskRunner } from "../../engine/task-runner.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../../wire/run-spec.ts";
import { checkCountOrAll, checkData, checkEnvironment, checkText, checkTexts } from "../cluster/check-options.ts";
import { checkKeys, checkSeconds, invalid, type GivenOption } from "../runner-options.ts";
import { daskFor } from "./attach.ts";
import type { DaskOptions } from "./dask-options.ts";
import { readAddress } from "./protocol/comm.ts";

/** Options of a {@link DaskTaskRunner}; names that end in Kwargs pass their keys on to Python untouched. */
export interface DaskTaskRunnerOptions {
  /** Address of a running scheduler, `tcp://host:port` or `tls://host:port`. Default: a temporary cluster is made for this process. */
  readonly address?: string;
  /** Class of a temporary cluster, as `module.Class`. Default `distributed.LocalCluster`. */
  readonly clusterClass?: string;
  /** Given to the class, such as `{ n_workers: 4, threads_per_worker: 1 }`. */
  readonly clusterKwargs?: Readonly<Record<string, unknown>>;
  /** Given to the cluster's `adapt()`, such as `{ minimum: 1, maximum: 10 }`. Default: it is not called. */
  readonly adaptKwargs?: Readonly<Record<string, unknown>>;
  /** Of Dask's client: `timeout` (seconds to connect, default 30), `heartbeat_interval` (seconds, default 5), `name`. */
  readonly clientKwargs?: Readonly<Record<string, unknown>>;
  /** File that Dask's performance report of a temporary cluster is written to when the cluster ends. */
  readonly performanceReportPath?: string;
  /** Python that makes a temporary cluster. Default: `SLUICE_PYTHON`, then the environment of `npx sluice dask install`. */
  readonly python?: string;
  /** Certificates for a `tls://` address, as Dask's `Security` has them: each a PEM text or the path of one. */
  readonly security?: {
    readonly tlsCaFile: string;
    readonly tlsClientCert: string;
    readonly tlsClientKey: string;
  };
  /** Submitted flows that run at once on each worker, for each depth of nesting. Default: as many as the worker has threads. */
  readonly flowsPerWorker?: number;
  /** Address of the API as the nodes reach it. Default: the one that this process uses. */
  readonly apiUrl?: string;
  /** Node.js on the workers, a name on their PATH or a path. Default: this process's own where they are on its machine, else `node`. */
  readonly node?: string;
  /** Options of Node for the processes on the workers, such as `["--max-old-space-size=4096"]`. */
  readonly nodeOptions?: readonly string[];
  /** Environment of those processes, on top of the worker's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Packages that the nodes have themselves and that are not to be bundled: those with native addons. */
  readonly external?: readonly string[];
  /** Seconds without a run after which the cluster is left, and a temporary one ended. Default 30. */
  readonly idleSeconds?: number;
}

const NAME = "DaskTaskRunner";
const IDLE_SECONDS = 30;
const CLIENT_KWARGS = ["timeout", "heartbeat_interval", "name"];
const OPTIONS = [
  "address",
  "clusterClass",
  "clusterKwargs",
  "adaptKwargs",
  "clientKwargs",
  "performanceReportPath",
  "python",
  "security",
  "flowsPerWorker",
  "apiUrl",
  "node",
  "nodeOptions",
  "env",
  "external",
  "idleSeconds",
] as const;

/**
 * Runs what is submitted on a Dask cluster, tasks and whole subflows: on a running one by its address, or on a temporary one.
 *
 * The workers need `node` (24.11 or newer) on their PATH and nothing of Sluice's: the package and the flow's code are sent. Runners with equal options share one
 * cluster, also those that subflows on its nodes make again.
 *
 * @throws SluiceError `SLUICE_OPTION_INVALID` at construction
 */
export class DaskTaskRunner implements TaskRunner {
  readonly keepsValues = true;
  readonly description: RunnerDescription;
  readonly #options: DaskOptions;

  constructor(options: DaskTaskRunnerOptions = {}) {
    checkKeys(NAME, options, OPTIONS);
    const address = checkText(given("address", options.address));
    if (address !== null) readAddress(address);
    this.#options = {
      address,
      clusterClass: checkText(given("clusterClass", options.clusterClass)) ?? "distributed.LocalCluster",
      clusterKwargs: checkData(given("clusterKwargs", options.clusterKwargs)) ?? {},
      adaptKwargs: checkData(given("adaptKwargs", options.adaptKwargs)),
      clientKwargs: checkClientKwargs(options.clientKwargs),
      performanceReportPath: checkText(given("performanceReportPath", options.performanceReportPath)),
      python: checkText(given("python", options.python)),
      security: checkSecurity(options.security, address),
      flowsPerWorker: checkCountOrAll(given("flowsPerWorker", options.flowsPerWorker)),
      apiUrl: checkText(given("apiUrl", options.apiUrl)),
      node: checkText(given("node", options.node)),
      nodeOptions: checkTexts(given("nodeOptions", options.nodeOptions)),
      env: checkEnvironment(NAME, options.env),
      external: checkTexts(given("external", options.external)),
      idleSeconds: checkSeconds(given("idleSeconds", options.idleSeconds), IDLE_SECONDS),
    };
    if (address !== null) refuseClusterOptions(options);
    // Keys stay here: to tell runners apart, a hash of them does.
    const security = this.#options.security === null ? null : hash("sha256", JSON.stringify(this.#options.security));
    this.description = { kind: "dask", options: { ...this.#options, security } };
  }

  carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    return daskFor(this.description, this.#options).carry(spec, options);
  }
}

function refuseClusterOptions(options: DaskTaskRunnerOptions): void {
  for (const option of ["clusterClass", "clusterKwargs", "adaptKwargs", "performanceReportPath"] as const) {
    if (options[option] !== undefined)
      throw invalid(given(option, options[option]), "left out beside an address, which names a running cluster");
  }
}

function checkClientKwargs(value: unknown): Readonly<Record<string, unknown>> {
  const found = checkData(given("clientKwargs", value)) ?? {};
  for (const [key, item] of Object.entries(found)) {
    if (!CLIENT_KWARGS.includes(key))
      throw invalid(given(`clientKwargs.${key}`, item), `left out: the client here has ${CLIENT_KWARGS.join(", ")}`);
    if (key === "name" ? typeof item !== "string" : typeof item !== "number" || item <= 0)
      throw invalid(given(`clientKwargs.${key}`, item), key === "name" ? "a text" : "a number of seconds above 0");
  }
  return found;
}

function checkSecurity(security: DaskTaskRunnerOptions["security"], address: string | null): DaskOptions["security"] {
  const isSecure = address?.startsWith("tls:") === true;
  if (security === undefined) {
    if (isSecure)
      throw invalid(
        given("security", security),
        "the certificates for a tls:// address: { tlsCaFile, tlsClientCert, tlsClientKey }",
      );
    return null;
  }
  if (!isSecure) throw invalid(given("security", "certificates"), "left out for a cluster without tls:// address");
  const ca = checkText(given("security.tlsCaFile", security.tlsCaFile));
  const cert = checkText(given("security.tlsClientCert", security.tlsClientCert));
  const key = checkText(given("security.tlsClientKey", security.tlsClientKey));
  if (ca === null || cert === null || key === null)
    throw invalid(given("security", "one without all of them"), "{ tlsCaFile, tlsClientCert, tlsClientKey }");
  return { ca, cert, key };
}

function given(option: string, value: unknown): GivenOption {
  return { runner: NAME, option, value };
}
