import type { RunView } from "../../engine/definition.ts";
import { requireFrame } from "../../engine/context/frame.ts";
import { createRunLogger, type RunLogger } from "../../engine/context/run-logger.ts";

/** What a body can know of its own run, without parameters. */
export interface RunContext {
  /** Id of this run, a task run's where the code is inside a task. */
  readonly runId: string;
  readonly runName: string;
  readonly kind: RunView["kind"];
  /** The flow run that this code belongs to; null for a task called outside flows. */
  readonly flowRunId: string | null;
  readonly flowRunName: string | null;
  readonly flowName: string | null;
  /** Those of the run and of the flow runs above it. */
  readonly tags: readonly string[];
  /** Parameters of the flow run, by name; what JSON cannot hold is described in words. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** 1 in the first execution, 2 in the first retry. */
  readonly runCount: number;
  /** Aborted when the run is asked to stop or has timed out. Hand it to everything that waits. */
  readonly signal: AbortSignal;
  readonly logger: RunLogger;
}

/** Gives the context of the run that the calling code is in. @throws SluiceError SLUICE_NO_RUN_CONTEXT outside runs */
export function runContext(): RunContext {
  const frame = requireFrame("runContext()");
  const { run, scope } = frame;
  return {
    runId: run.id,
    runName: run.name,
    kind: run.kind,
    flowRunId: scope.flowRun?.id ?? null,
    flowRunName: scope.flowRun?.name ?? null,
    flowName: scope.flowName,
    tags: frame.tags,
    parameters: scope.parameters ?? {},
    runCount: run.runCount,
    get signal() {
      return frame.signal;
    },
    logger: createRunLogger(frame),
  };
}

/** Gives the logger of the run that the calling code is in. @throws SluiceError SLUICE_NO_RUN_CONTEXT outside runs */
export function getRunLogger(): RunLogger {
  return createRunLogger(requireFrame("getRunLogger()"));
}
