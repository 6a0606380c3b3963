import { SluiceError } from "../../wire/errors.ts";
import type { RunSpec } from "../../wire/run-spec.ts";
import type { FlowScope } from "../context/frame.ts";
import type { RunInputs } from "../context/identities.ts";
import type { Definition } from "../definition.ts";
import { notPortable } from "../functions/load-function.ts";
import type { FlowRun, TaskRun } from "../run.ts";

/** Options that concern the near side alone and so need not travel. */
const NEAR_SIDE_OPTIONS = new Set([
  "name",
  "taskRunner",
  "waitFor",
  "key",
  "graceMs",
  "taskRunName",
  "flowRunName",
  "dask",
  "ray",
]);

/**
 * Gives the options that travel with a submitted run, on top of those the function was declared with.
 *
 * @throws SluiceError SLUICE_NOT_PORTABLE when the function was made at run time, or when an option given by `with()` at run time is not plain data
 */
export function portableOverrides(definition: Definition): Readonly<Record<string, unknown>> {
  const { reference, kind, name } = definition;
  if (reference.home === null && definition.python === null) {
    throw notPortable(reference);
  }
  const travelling: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(definition.overrides)) {
    if (NEAR_SIDE_OPTIONS.has(option) || value === undefined) continue;
    if (!isPlainData(value)) {
      throw new SluiceError(
        "SLUICE_NOT_PORTABLE",
        `The option "${option}" given to ${kind} "${name}" by with() is not plain data and cannot travel to another thread or process. ` +
          `Give it where the ${kind} is defined, at the top level of its module.`,
      );
    }
    travelling[option] = value;
  }
  return travelling;
}

/** Whether an option given by `with()` at run time may belong to a submitted run. */
export function canTravel(option: string, value: unknown): boolean {
  return NEAR_SIDE_OPTIONS.has(option) || value === undefined || isPlainData(value);
}

function isPlainData(value: unknown): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.every(isPlainData);
  if (typeof value === "object") {
    const prototype: unknown = Object.getPrototypeOf(value);
    return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlainData);
  }
  return typeof value !== "function" && typeof value !== "symbol";
}

/** The parts of a submitted run beside its function and its surroundings. */
export interface SubmittedRun {
  readonly run: FlowRun | TaskRun;
  readonly args: readonly unknown[];
  readonly inputs: RunInputs;
  /** Those of a flow, as JSON can hold them; null for a task. */
  readonly parameters: Readonly<Record<string, unknown>> | null;
  readonly dynamicKey: string;
  /** See {@link portableOverrides}. */
  readonly overrides: Readonly<Record<string, unknown>>;
  /** The tracking task run of a subflow; without an id for a task, or a flow outside of any other. */
  readonly tracking: { readonly id: string | null; readonly name: string };
  readonly createdUs: number;
  readonly needsTagSlots: boolean;
  /** How many executions were lost before. */
  readonly lost: number;
}

/** What a far side is told of a run. */
export function specOf(definition: Definition, scope: FlowScope, submitted: SubmittedRun): RunSpec {
  const { run, tracking } = submitted;
  return {
    version: 1,
    kind: definition.kind,
    run_id: run.id,
    run_name: run.name,
    function: definition.reference,
    ...(definition.python !== null && { python: definition.python }),
    overrides: submitted.overrides,
    args: submitted.args,
    task_key: definition.taskKey,
    dynamic_key: submitted.dynamicKey,
    task_inputs: submitted.inputs,
    parameters: submitted.parameters,
    flow_run_id: scope.flowRun?.id ?? null,
    flow_run_name: scope.flowRun?.name ?? null,
    flow_name: scope.flowName,
    tags: scope.tags,
    parent_task_run_id: tracking.id,
    parent_task_run_name: tracking.name,
    needs_tag_slots: submitted.needsTagSlots,
    depth: scope.depth + 1,
    flow_parameters: scope.parameters,
    run_count: submitted.lost,
    log_prints: scope.logPrints,
    created_us: submitted.createdUs,
    process_id: scope.host.processId,
  };
}
