import type { RunInput, RunRecord } from "./run-record.ts";

/**
 * Names a function of the user's code so that another process finds the same one: the module whose evaluation created it, the name it was
 * declared with, its ordinal among equals of that module, and a hash of its source that guards against finding a different one.
 */
export interface FunctionReference {
  /** URL of the home module; null for a function made at run time, which cannot travel. */
  readonly home: string | null;
  readonly kind: "flow" | "task";
  readonly name: string;
  readonly ordinal: number;
  readonly source_hash: string;
  /** `file:line:column` of the declaration, for messages only. */
  readonly declared_at: string;
  /** URL of the bundle that is imported in place of the home, on a node of a cluster; left out elsewhere. */
  readonly bundle?: string;
}

/** How a nested submit finds the pool that its parent uses. Equal `options` mean: attach, do not start another. */
export interface RunnerDescription {
  readonly kind: "concurrent" | "thread" | "process" | "dask" | "ray";
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * What travels to a runner: everything the far side needs to run one flow or task and to report it as the run it is.
 *
 * The value is structured-cloneable; a runner never looks into `args`.
 */
export interface RunSpec {
  readonly version: 1;
  readonly kind: "flow" | "task";
  readonly run_id: string;
  readonly run_name: string;
  readonly function: FunctionReference;
  /** `module:function` of a Python function that is called in place of `function`; left out otherwise. */
  readonly python?: string;
  /** Options given by `with()` at run time, on top of those the function was declared with. Plain data only. */
  readonly overrides: Readonly<Record<string, unknown>>;
  /** Positional arguments, futures already resolved. */
  readonly args: readonly unknown[];
  readonly task_key: string;
  readonly dynamic_key: string;
  readonly task_inputs: Readonly<Record<string, readonly RunInput[]>>;
  /** Parameters as given, by name, for the record of a flow run; null for a task. */
  readonly parameters: Readonly<Record<string, unknown>> | null;
  /** The flow run that this run is a child of, null at the root. */
  readonly flow_run_id: string | null;
  readonly flow_run_name: string | null;
  /** Its flow's name and tags, inherited by the child. */
  readonly flow_name: string | null;
  readonly tags: readonly string[];
  /** The tracking task run of a subflow, null for a task. */
  readonly parent_task_run_id: string | null;
  readonly parent_task_run_name: string;
  /** Whether a task's tags have limits: then its far side takes their slots, and reports that it runs when it has them. */
  readonly needs_tag_slots: boolean;
  /** Depth below the root flow run: 0 there, 1 for its children. Deeper work starts first. */
  readonly depth: number;
  /** Parameters of the parent flow run, for the FLOW_PARAMETERS cache policy. */
  readonly flow_parameters: Readonly<Record<string, unknown>> | null;
  /** Whether the parent's console output goes to its log, which the child inherits. */
  readonly log_prints: boolean;
  /** 0 at the first try; the number of earlier executions when a crashed or timed-out run is carried again. */
  readonly run_count: number;
  /** Microseconds since the epoch when the run was created. */
  readonly created_us: number;
  /** The process that started the root run: owner of the lease that covers this run. */
  readonly process_id: string;
}

/** An error as it crosses a process or host: enough to come back as the same class with the same story. */
export interface WireError {
  readonly name: string;
  /** Name of the class where it is not `name`; `ThrownValue` for a thrown value that is no error. */
  readonly class?: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly cause?: WireError;
  readonly errors?: readonly WireError[];
  /** Own enumerable properties that are plain data. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/**
 * How a carried run ended, as its runner tells the near side.
 *
 * `reported` says whether the far side has reported the final state itself, and the store has acknowledged it; where it is false (the executor
 * died, was terminated or never came up) the near side reports the state, and decides about a retry.
 */
export type RunEnd = (
  | { readonly type: "completed"; readonly value: unknown; readonly state_name: string; readonly reported: boolean }
  | { readonly type: "failed"; readonly error: WireError; readonly state_name: string; readonly reported: boolean }
  | { readonly type: "cancelled"; readonly message: string; readonly reported: boolean }
  /** `retryable` is false when a retry cannot help (a function that is not there, an argument that cannot travel). */
  | { readonly type: "crashed"; readonly error: WireError; readonly retryable: boolean; readonly reported: boolean }
) & {
  /** The message of the final state, where the engine that ran the body gave it one. */
  readonly state_message?: string;
  /** All that the run has to report: with it, a `reported` end has only been told to the near side, which hands it to the store. */
  readonly record?: RunRecord;
};
