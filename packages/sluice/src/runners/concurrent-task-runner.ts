import type { TaskRunner } from "../engine/task-runner.ts";
import { SluiceError } from "../wire/errors.ts";
import type { RunEnd, RunnerDescription, RunSpec } from "../wire/run-spec.ts";
import { crashedEnd } from "./run-end.ts";

/** Runs what is submitted on the event loop of the flow that submits it: for work that waits. The default; takes no slot. */
export class ConcurrentTaskRunner implements TaskRunner {
  readonly description: RunnerDescription = { kind: "concurrent", options: {} };

  /** Not called by the engine, which keeps these runs itself; ends as crashed, with the reason. */
  carry(spec: RunSpec): Promise<RunEnd> {
    return Promise.resolve(
      crashedEnd(
        new SluiceError(
          "SLUICE_RUN_REFUSED",
          `The run "${spec.run_name}" belongs on the event loop of its flow; a ConcurrentTaskRunner carries nothing elsewhere.`,
        ),
      ),
    );
  }
}
