import type { CarryOptions } from "../../engine/task-runner.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../../wire/run-spec.ts";
import type { LivePool } from "../runtime.ts";

/** A cluster that flows reach as Ray jobs, and tasks by the bridge: each way is opened by the first run that takes it. */
export class FlowsAsJobs implements LivePool {
  readonly description: RunnerDescription;
  readonly keepsValues = true;
  readonly #jobs: LivePool;
  readonly #bridge: LivePool;

  constructor(jobs: LivePool, bridge: LivePool) {
    this.description = jobs.description;
    this.#jobs = jobs;
    this.#bridge = bridge;
  }

  carry(spec: RunSpec, options: CarryOptions): Promise<RunEnd> {
    return (spec.kind === "flow" ? this.#jobs : this.#bridge).carry(spec, options);
  }

  cancelRun(runId: string): void {
    this.#jobs.cancelRun(runId);
    this.#bridge.cancelRun(runId);
  }

  async close(): Promise<void> {
    await Promise.all([this.#jobs.close(), this.#bridge.close()]);
  }
}
