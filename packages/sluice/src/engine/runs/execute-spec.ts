import type { RunEnd, RunSpec } from "../../wire/run-spec.ts";
import { isCancellation } from "../context/cancellation.ts";
import type { Definition, Outcome } from "../definition.ts";
import type { FarSideHost } from "../far-side-port.ts";
import { FlowScope, type Cancellable } from "../context/frame.ts";
import type { EngineHost } from "../host.ts";
import type { AssignedFlow } from "./calls.ts";
import { startFlow } from "./run-flow.ts";
import { startTask } from "./run-task.ts";
import { RelayTracker } from "../store/relay-tracker.ts";
import { SlotWaits } from "../context/slot-waits.ts";
import { childRunner } from "./start-call.ts";
import { toWireError } from "../values/wire-error.ts";

/** A run spec on its far side, with what it needs to run there. */
export interface SpecExecution {
  readonly spec: RunSpec;
  readonly definition: Definition;
  readonly host: EngineHost;
  readonly far: FarSideHost;
}

/**
 * Executes a run that another process created.
 *
 * The run keeps its ids; its first transition carries the timestamp the near side gave it, so both sides may report it. Resolves when the store has acknowledged
 * the final state.
 */
export async function executeSpec(given: SpecExecution): Promise<RunEnd> {
  const { far, spec } = given;
  const relay = isRelayed(given) ? new RelayTracker(given.host.tracker, spec.run_id) : undefined;
  const host = relay === undefined ? given.host : { ...given.host, tracker: relay };
  const execution = { ...given, host };
  const started = execution.spec.kind === "task" ? startAssignedTask(execution) : startAssignedFlow(execution);
  const stop = cancelOn(far.signal, started);
  try {
    const outcome = await started.outcome;
    await host.tracker.acknowledged(started.run);
    const record = relay?.takeRecord();
    const { message } = outcome;
    const end = message === null ? endOf(outcome) : { ...endOf(outcome), state_message: message };
    return record === undefined ? end : { ...end, record };
  } finally {
    stop();
  }
}

function mayHaveRun(spec: RunSpec, far: FarSideHost): boolean {
  return far.isOnCluster || spec.run_count > 0;
}

/** A store that decides, or has slots to give, is asked by whoever runs the body. */
function isRelayed({ spec, far, host }: SpecExecution): boolean {
  return far.isOnCluster && spec.kind === "task" && !host.tracker.decides && !spec.needs_tag_slots;
}

function startAssignedTask({ spec, definition, host, far }: SpecExecution) {
  if (definition.kind !== "task")
    throw new Error(`The run spec names a task, the module defines a flow "${definition.name}".`);
  const scope = new FlowScope({
    host,
    parent: null,
    // Only id and name are looked at: the flow run itself is driven by its own process.
    flowRun: spec.flow_run_id === null ? null : { id: spec.flow_run_id, name: spec.flow_run_name ?? "" },
    flowName: spec.flow_name,
    parameters: spec.flow_parameters,
    tags: spec.tags,
    depth: spec.depth - 1,
    taskRunner: childRunner(definition.options.taskRunner, host),
    slotWaits: new SlotWaits(far.slot),
    logPrints: spec.log_prints,
    keepFinished: false,
  });
  return startTask({
    definition,
    args: spec.args,
    scope,
    callerTask: null,
    submitted: false,
    assigned: {
      runId: spec.run_id,
      runName: spec.run_name,
      dynamicKey: spec.dynamic_key,
      inputs: spec.task_inputs,
      createdUs: spec.created_us,
      startedUs: far.startedUs,
      runCount: spec.run_count,
      mayHaveRun: mayHaveRun(spec, far),
      timeoutMs: far.timeoutMs,
      needsTagSlots: spec.needs_tag_slots,
      bodyEnded: (result) => far.bodyEnded(result),
    },
  });
}

function startAssignedFlow({ spec, definition, host, far }: SpecExecution) {
  if (definition.kind !== "flow")
    throw new Error(`The run spec names a flow, the module defines a task "${definition.name}".`);
  const assigned: AssignedFlow = {
    runId: spec.run_id,
    runName: spec.run_name,
    parentTaskRun: trackingTaskRun(spec),
    tags: spec.tags,
    depth: spec.depth,
    createdUs: spec.created_us,
    startedUs: far.startedUs,
    runCount: spec.run_count,
    mayHaveRun: mayHaveRun(spec, far),
    timeoutMs: far.timeoutMs,
    logPrints: spec.log_prints,
    slotWaits: new SlotWaits(far.slot),
    bodyEnded: (result) => far.bodyEnded(result),
  };
  return startFlow({
    definition,
    args: spec.args,
    host,
    parent: null,
    taskRunner: childRunner(definition.options.taskRunner, host),
    assigned,
  });
}

function trackingTaskRun(spec: RunSpec): AssignedFlow["parentTaskRun"] {
  if (spec.parent_task_run_id === null) return null;
  return {
    id: spec.parent_task_run_id,
    name: spec.parent_task_run_name,
    flow_run_id: spec.flow_run_id,
    task_key: spec.task_key,
    dynamic_key: spec.dynamic_key,
    tags: spec.tags,
    task_inputs: spec.task_inputs,
  };
}

function cancelOn(signal: AbortSignal, run: Cancellable): () => void {
  // FarSideHost.signal is aborted with an Error.
  const onAbort = () => run.cancel(signal.reason as Error);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}

function endOf(outcome: Outcome): RunEnd {
  switch (outcome.type) {
    case "COMPLETED":
      return { type: "completed", value: outcome.data, state_name: outcome.name, reported: true };
    case "CANCELLED":
      return { type: "cancelled", message: outcome.message ?? outcome.error.message, reported: true };
    case "FAILED":
      return { type: "failed", error: toWireError(outcome.error), state_name: outcome.name, reported: true };
    default:
      return {
        type: "crashed",
        error: toWireError(outcome.error),
        retryable: !isCancellation(outcome.error),
        reported: true,
      };
  }
}
