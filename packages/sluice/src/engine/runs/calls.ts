import type { RunInput, TaskRunIdentity } from "../../wire/run-record.ts";
import type { FlowScope, Frame } from "../context/frame.ts";
import type { SlotWaits } from "../context/slot-waits.ts";
import type { FlowDefinition, TaskDefinition } from "../definition.ts";
import type { EngineHost } from "../host.ts";
import type { FlowRun } from "../run.ts";
import type { TaskRunner } from "../task-runner.ts";
import type { Execution } from "./execution.ts";

/** A call of a flow: at the root, inside a flow run, or assigned by another process. */
export interface FlowCall {
  readonly definition: FlowDefinition;
  readonly args: readonly unknown[];
  readonly host: EngineHost;
  /** The scope that makes the call, null at the root and on a far side. */
  readonly parent: FlowScope | null;
  /** The task whose body makes the call, when one does. */
  readonly callerTask?: Frame | null;
  /** Where the run submits to; null is the event loop. */
  readonly taskRunner: TaskRunner | null;
  /** Called when the run has its id and name for good, before its body starts. */
  readonly onCreated?: (execution: Execution<FlowRun>) => void;
  /** Given where the run was created elsewhere and is only executed here. */
  readonly assigned?: AssignedFlow;
}

/** A flow run that another process has created and this one executes. */
export interface AssignedFlow {
  readonly runId: string;
  readonly runName: string;
  /** The tracking task run in the parent flow run, null at a root. */
  readonly parentTaskRun: ({ readonly id: string } & TaskRunIdentity) | null;
  readonly tags: readonly string[];
  readonly depth: number;
  readonly createdUs: number;
  /** Timestamp of the first Running state, which the near side reports as well. */
  readonly startedUs: number;
  readonly runCount: number;
  readonly timeoutMs: number | null;
  readonly logPrints: boolean;
  /** Whether an earlier execution may have begun it, and finished children of it. */
  readonly mayHaveRun: boolean;
  readonly slotWaits: SlotWaits | null;
  readonly bodyEnded: (result?: { readonly value: unknown }) => void;
}

/** A call of a task inside a scope. */
export interface TaskCall {
  readonly definition: TaskDefinition;
  readonly args: readonly unknown[];
  readonly scope: FlowScope;
  /** The task whose body makes the call, when one does. */
  readonly callerTask: Frame | null;
  /** True for `submit` and `map`: other work goes on meanwhile. */
  readonly submitted: boolean;
  /** Given where the run was created elsewhere and is only executed here. */
  readonly assigned?: AssignedTask;
}

/** A task run that another process has created and this one executes. */
export interface AssignedTask {
  readonly runId: string;
  readonly runName: string;
  readonly dynamicKey: string;
  readonly inputs: Readonly<Record<string, readonly RunInput[]>>;
  readonly createdUs: number;
  /** Timestamp of the first Running state, which the near side reports as well. */
  readonly startedUs: number;
  readonly runCount: number;
  /** Whether an earlier execution may have finished it, and kept its result. */
  readonly mayHaveRun: boolean;
  /** The limit that is left; the near side has the last word. */
  readonly timeoutMs: number | null;
  /** Whether its tags have limits, whose slots it must take before it starts. */
  readonly needsTagSlots: boolean;
  readonly bodyEnded: (result?: { readonly value: unknown }) => void;
}
