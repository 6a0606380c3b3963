import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { CarryOptions, TaskRunner } from "../engine/task-runner.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../wire/run-spec.ts";
import { poolFor, type PoolOptions } from "./pools.ts";
import { checkCount, checkKeys, checkSeconds, invalid, type GivenOption } from "./runner-options.ts";

export interface ProcessPoolOptions {
  /** Bodies that run at once, an integer >= 1; default: the number of cores. More than that is honoured. */
  readonly maxWorkers?: number;
  /** Environment of the workers on top of this process's. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory of the workers, relative to this process's; default: the same. */
  readonly cwd?: string;
  /** Options of Node for the workers; default: this process's, without those of the debugger and of the entry. */
  readonly execArgv?: readonly string[];
  /** How long a worker without a run stays warm; default 30. */
  readonly idleSeconds?: number;
}

const NAME = "ProcessPoolTaskRunner";
const IDLE_SECONDS = 30;

/**
 * Runs what is submitted in child processes: for code that computes, that is native or not trusted, that needs memory or a working directory of its own.
 *
 * Runners with equal options share one pool. Each worker leads a process group of its own and is killed with all that it has started.
 *
 * @throws SluiceError `SLUICE_OPTION_INVALID` at construction
 */
export class ProcessPoolTaskRunner implements TaskRunner {
  readonly description: RunnerDescription;
  readonly #options: PoolOptions;

  constructor(options: ProcessPoolOptions = {}) {
    checkKeys(NAME, options, ["maxWorkers", "env", "cwd", "execArgv", "idleSeconds"]);
    this.#options = {
      maxWorkers: checkCount(given("maxWorkers", options.maxWorkers), availableParallelism()),
      idleSeconds: checkSeconds(given("idleSeconds", options.idleSeconds), IDLE_SECONDS),
      env: checkEnvironment(options.env),
      cwd: checkFolder(options.cwd),
      execArgv: checkArguments(options.execArgv),
    };
    this.description = { kind: "process", options: { ...this.#options } };
  }

  carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    return poolFor(this.description, this.#options).carry(spec, options);
  }
}

function checkEnvironment(env: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(env) as [string, unknown][]) {
    if (typeof value !== "string") throw invalid(given(`env.${name}`, value), "a string");
  }
  return { ...env };
}

function checkFolder(cwd: unknown): string | null {
  if (cwd === undefined) return null;
  if (typeof cwd !== "string" || cwd === "") throw invalid(given("cwd", cwd), "the path of a folder");
  return resolve(cwd);
}

function checkArguments(execArgv: unknown): readonly string[] | null {
  if (execArgv === undefined) return null;
  if (!Array.isArray(execArgv) || !execArgv.every((option) => typeof option === "string"))
    throw invalid(given("execArgv", execArgv), "an array of strings");
  return [...execArgv];
}

function given(option: string, value: unknown): GivenOption {
  return { runner: NAME, option, value };
}
