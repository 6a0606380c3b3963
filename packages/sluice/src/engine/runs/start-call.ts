import type { Definition } from "../definition.ts";
import { FlowScope, type Frame } from "../context/frame.ts";
import type { StartedRun } from "../context/future.ts";
import type { EngineHost } from "../host.ts";
import { startCarried } from "./carried-run.ts";
import type { FlowCall } from "./calls.ts";
import { startFlow } from "./run-flow.ts";
import { startTask } from "./run-task.ts";
import type { TaskRunner } from "../task-runner.ts";

/** A call of a flow or task by user code. */
export interface UserCall {
  readonly definition: Definition;
  readonly args: readonly unknown[];
  readonly host: EngineHost;
  /** The body that makes the call, undefined outside runs. */
  readonly frame: Frame | undefined;
  /** True for `submit` and `map`; a direct call runs here, whatever the runner. */
  readonly submitted: boolean;
  readonly onCreated?: FlowCall["onCreated"];
}

/**
 * Starts the run of a call: here, or where the runner takes it.
 *
 * @throws as `Frame.throwIfStopped` when the calling body may start nothing more; SluiceError SLUICE_NOT_PORTABLE as `startCarried`
 */
export function startCall(call: UserCall): StartedRun<unknown> {
  const { definition, args, frame, host } = call;
  frame?.throwIfStopped();
  const scope = frame?.scope ?? null;
  const callerTask = frame?.run.kind === "task" ? frame : null;
  if (call.submitted) {
    const runner = carrierOf(definition, scope);
    if (runner !== null) {
      return startCarried({
        definition,
        args,
        scope: scope ?? detachedScope(call),
        callerTask,
        runner: host.attach(runner),
      });
    }
  }
  if (definition.kind === "task") {
    return startTask({
      definition,
      args,
      scope: scope ?? detachedScope(call),
      callerTask,
      submitted: call.submitted,
    });
  }
  const taskRunner = childRunner(definition.options.taskRunner, host);
  return startFlow({
    definition,
    args,
    host,
    parent: scope,
    callerTask,
    taskRunner,
    ...(call.onCreated && { onCreated: call.onCreated }),
  });
}

/** Where a submitted run goes: what `with()` says, else the task's own option, else the parent flow's. Null is the event loop. */
function carrierOf(definition: Definition, scope: FlowScope | null): TaskRunner | null {
  const own = definition.carrier ?? (definition.kind === "task" ? definition.options.taskRunner : undefined);
  if (own !== undefined && own !== null) return own.description.kind === "concurrent" ? null : own;
  return scope?.taskRunner ?? null;
}

/** The runner of a flow's children, null when they stay on the event loop. */
export function childRunner(runner: TaskRunner | undefined, host: EngineHost): TaskRunner | null {
  if (runner === undefined || runner.description.kind === "concurrent") return null;
  return host.attach(runner);
}

/** What a call outside any flow run counts and inherits by. */
function detachedScope(call: UserCall): FlowScope {
  const { host } = call;
  return new FlowScope({
    host,
    parent: null,
    flowRun: null,
    flowName: null,
    parameters: null,
    tags: [],
    depth: -1,
    taskRunner: null,
    slotWaits: null,
    logPrints: call.definition.options.logPrints ?? host.settings.logPrints,
    keepFinished: false,
  });
}
