import type { FlowRunIdentity, RunInput, TaskRunIdentity } from "../../wire/run-record.ts";
import { type Definition, type FlowDefinition, type RunView, type TaskDefinition } from "../definition.ts";
import type { FlowRun, TaskRun } from "../run.ts";

/** What task runs wait for, by argument. */
export type RunInputs = Readonly<Record<string, readonly RunInput[]>>;

/** A run that has not waited for another. */
export const NO_INPUTS: RunInputs = {};

/** Tags of a run: those of its surroundings and its own, each once. */
export function tagsOf(definition: Definition, inherited: readonly string[]): readonly string[] {
  const { tags } = definition.options;
  return tags === undefined ? inherited : [...new Set([...inherited, ...tags])];
}

/** A task run's place. */
export interface TaskPlace {
  readonly flowRunId: string | null;
  readonly dynamicKey: string;
  readonly tags: readonly string[];
  readonly inputs: RunInputs;
  readonly cacheKey: string | undefined;
}

/** What a task run tells the store of itself once; what is empty is left out. */
export function taskIdentity(definition: TaskDefinition, name: string, place: TaskPlace): TaskRunIdentity {
  const { options } = definition;
  const { flowRunId, dynamicKey, tags, inputs, cacheKey } = place;
  return {
    name,
    flow_run_id: flowRunId,
    task_key: definition.taskKey,
    dynamic_key: dynamicKey,
    ...(tags.length > 0 && { tags }),
    ...(inputs !== NO_INPUTS && { task_inputs: inputs }),
    ...(cacheKey !== undefined && { cache_key: cacheKey }),
    ...(options.version !== undefined && { task_version: options.version }),
    ...(options.retries !== undefined && { empirical_policy: { retries: options.retries } }),
  };
}

/** A flow run's place: `parentTaskRun` is the task run that tracks it in its parent, null at a root. */
export interface FlowPlace {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  readonly parentTaskRun: FlowRunIdentity["parent_task_run"] | null;
}

/** What a flow run tells the store of itself once. */
export function flowIdentity(definition: FlowDefinition, name: string, place: FlowPlace): FlowRunIdentity {
  const { options, reference } = definition;
  const { parameters, tags, parentTaskRun } = place;
  return {
    name,
    flow_name: definition.name,
    parameters,
    tags,
    ...(options.version !== undefined && { flow_version: options.version }),
    ...(options.retries !== undefined && { empirical_policy: { retries: options.retries } }),
    ...(reference.home !== null && { entrypoint: `${reference.home}:${definition.name}` }),
    ...(parentTaskRun != null && { parent_task_run: parentTaskRun }),
  };
}

/** The task run that tracks a subflow in its parent. */
export interface Tracking {
  readonly id: string;
  readonly name: string;
  readonly flowRunId: string | null;
  readonly dynamicKey: string;
  /** Those of the parent. */
  readonly tags: readonly string[];
  readonly inputs: RunInputs;
}

/** What a subflow's tracking task run is, as its flow run tells of it. */
export function trackingIdentity(definition: Definition, tracking: Tracking): { id: string } & TaskRunIdentity {
  return {
    id: tracking.id,
    name: tracking.name,
    flow_run_id: tracking.flowRunId,
    task_key: definition.taskKey,
    dynamic_key: tracking.dynamicKey,
    tags: tracking.tags,
    task_inputs: tracking.inputs,
  };
}

/** What hooks and functions of the user's see of a run. */
export function viewOf(
  run: FlowRun | TaskRun,
  definition: Definition,
  shown: Pick<RunView, "flowRunId" | "tags" | "parameters">,
): RunView {
  const { flowRunId, tags, parameters } = shown;
  return {
    id: run.id,
    name: run.name,
    kind: run.kind,
    of: definition.name,
    flowRunId,
    tags,
    parameters,
    runCount: run.runCount,
  };
}
