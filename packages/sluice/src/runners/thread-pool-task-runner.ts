import { availableParallelism } from "node:os";
import type { ResourceLimits } from "node:worker_threads";
import type { CarryOptions, TaskRunner } from "../engine/task-runner.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../wire/run-spec.ts";
import { poolFor, type PoolOptions } from "./pools.ts";
import { checkCount, checkKeys, checkSeconds, invalid, type GivenOption } from "./runner-options.ts";

export interface ThreadPoolOptions {
  /** Bodies that run at once, an integer >= 1; default: the number of cores. More than that is honoured. */
  readonly maxWorkers?: number;
  /** Memory limits of each thread in MB, as Node's `Worker` takes them. ArrayBuffers are not counted: only processes bound them. Default: Node's. */
  readonly resourceLimits?: ResourceLimits;
  /** How long a thread without a run stays warm; default 30. */
  readonly idleSeconds?: number;
}

const NAME = "ThreadPoolTaskRunner";
const IDLE_SECONDS = 30;
const LIMITS = ["maxOldGenerationSizeMb", "maxYoungGenerationSizeMb", "codeRangeSizeMb", "stackSizeMb"] as const;

/**
 * Runs what is submitted on threads of this process: for code that computes. Cheapest to start and to send to.
 *
 * Runners with equal options share one pool. Threads share the working directory and a native crash with the process; where that matters, use processes.
 *
 * @throws SluiceError `SLUICE_OPTION_INVALID` at construction
 */
export class ThreadPoolTaskRunner implements TaskRunner {
  readonly description: RunnerDescription;
  readonly #options: PoolOptions;

  constructor(options: ThreadPoolOptions = {}) {
    checkKeys(NAME, options, ["maxWorkers", "resourceLimits", "idleSeconds"]);
    this.#options = {
      maxWorkers: checkCount(given("maxWorkers", options.maxWorkers), availableParallelism()),
      idleSeconds: checkSeconds(given("idleSeconds", options.idleSeconds), IDLE_SECONDS),
      resourceLimits: checkLimits(options.resourceLimits),
    };
    this.description = { kind: "thread", options: { ...this.#options } };
  }

  carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    return poolFor(this.description, this.#options).carry(spec, options);
  }
}

function checkLimits(limits: ResourceLimits = {}): ResourceLimits {
  for (const [key, value] of Object.entries(limits) as [string, unknown][]) {
    if (!LIMITS.some((known) => known === key))
      throw invalid(given(`resourceLimits.${key}`, "a limit it does not have"), `one of ${LIMITS.join(", ")}`);
    if (typeof value !== "number" || !(value > 0))
      throw invalid(given(`resourceLimits.${key}`, value), "a number of megabytes above 0");
  }
  return { ...limits };
}

function given(option: string, value: unknown): GivenOption {
  return { runner: NAME, option, value };
}
