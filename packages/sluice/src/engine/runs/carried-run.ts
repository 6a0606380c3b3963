import type { FlowRunIdentity, RunRecord, TaskRunIdentity } from "../../wire/run-record.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type { RunEnd, RunSpec } from "../../wire/run-spec.ts";
import { needsResolution, resolveCall } from "../context/call-arguments.ts";
import { cancelledError } from "../context/cancellation.ts";
import { adoptedValue, identifyChild, rememberChild, type ChildIdentity } from "../context/child-identity.ts";
import {
  namedArguments,
  timeoutMsOf,
  type Definition,
  type FlowDefinition,
  type Outcome,
  type RunView,
  type TaskDefinition,
} from "../definition.ts";
import { Frame, type FlowScope } from "../context/frame.ts";
import { jsonSafeParameters } from "../values/json-safe.ts";
import { newRunId } from "../run-id.ts";
import { Execution } from "./execution.ts";
import { finalHooks, runHooks } from "./hooks.ts";
import { retryDelayMs } from "./retry.ts";
import { keepLink } from "../store/link-artifact.ts";
import { announce } from "../store/proposal.ts";
import { portableOverrides, specOf } from "./portable.ts";
import {
  flowIdentity,
  NO_INPUTS,
  tagsOf,
  taskIdentity,
  trackingIdentity,
  viewOf,
  type RunInputs,
} from "../context/identities.ts";
import { inputsOfValues, noteOrigin } from "../context/result-origin.ts";
import { logLine, LOG_LEVELS } from "../context/run-logger.ts";
import { RemoteValue } from "../values/remote-value.ts";
import { refuseEmptied } from "../values/serializable.ts";
import { flowRunName, randomRunName, taskRunName } from "../values/run-name.ts";
import { FlowRun, TaskRun } from "../run.ts";
import { finalState } from "../state.ts";
import type { RunnerNotice, TaskRunner } from "../task-runner.ts";
import { LONGEST_TIMER_MS } from "../timer.ts";
import { fromWireError } from "../values/wire-error.ts";

/** Time that a cancelled or timed-out body gets to settle by itself before its executor is terminated. */
const DEFAULT_GRACE_MS = 2000;
/** More is as good as for ever, and a cluster adds to it. */
const LONGEST_GRACE_MS = LONGEST_TIMER_MS / 4;

/** A submitted call whose run a runner carries elsewhere. */
export interface CarriedCall {
  readonly definition: Definition;
  readonly args: readonly unknown[];
  readonly scope: FlowScope;
  /** The task whose body makes the call, when one does. */
  readonly callerTask: Frame | null;
  readonly runner: TaskRunner;
}

/** The end of a run whose arguments did not come. */
interface UnstartedEnd {
  readonly type: "FAILED" | "CANCELLED";
  readonly name: string;
  readonly message: string;
  readonly error: Error;
}

function cancelledUnstarted(error: Error): UnstartedEnd {
  return { type: "CANCELLED", name: "Cancelled", message: error.message, error };
}

/**
 * Starts a run on a runner.
 *
 * @throws SluiceError SLUICE_NOT_PORTABLE at once for a function made at run time, or options given by `with()` that cannot travel
 */
export function startCarried(call: CarriedCall): CarriedRun {
  const overrides = portableOverrides(call.definition);
  const carried = new CarriedRun(call, overrides);
  carried.start();
  return carried;
}

/**
 * The near side of a run that is executed elsewhere.
 *
 * Pending here (reported, so that queued work is seen) → carried; the far side reports Running and the final state with the same first transition, so
 * neither order of arrival matters. Where the far side can no longer report (it died, was terminated, never came up), the end is reported here "after whatever is
 * stored", and a crash is tried again while retries are left.
 */
export class CarriedRun extends Execution<FlowRun | TaskRun> {
  readonly carried = true;
  private readonly call: CarriedCall;
  private readonly overrides: Readonly<Record<string, unknown>>;
  private readonly trackingId: string | null;
  private readonly trackingName: string;
  private readonly controller = new AbortController();
  private args: readonly unknown[];
  private named: Readonly<Record<string, unknown>> = {};
  private inputs: RunInputs = NO_INPUTS;
  private child: ChildIdentity | undefined;
  private needsTagSlots = false;

  constructor(call: CarriedCall, overrides: Readonly<Record<string, unknown>>) {
    const { definition, scope } = call;
    const indexed = `${definition.name}-${scope.nameIndex(definition.taskKey)}`;
    const isFlow = definition.kind === "flow";
    const run = isFlow ? new FlowRun(newRunId(), "") : new TaskRun(newRunId(), indexed);
    super(run);
    if (isFlow && run.kind === "flow") run.source = { identity: () => this.flowIdentity(definition) };
    else if (!isFlow && run.kind === "task") run.source = { identity: () => this.taskIdentity(definition) };
    this.call = call;
    this.overrides = overrides;
    this.args = call.args;
    this.trackingId = isFlow && scope.flowRun !== null ? newRunId() : null;
    this.trackingName = indexed;
  }

  start(): void {
    const { scope, definition, callerTask } = this.call;
    scope.childOpened(this, callerTask);
    if (this.run.kind === "flow") scope.host.live.set(this.run.id, this);
    const ready = definition.options.waitFor === undefined && !needsResolution(this.args);
    this.begin(ready ? () => this.identify() : undefined);
  }

  protected onCancel(reason: Error): void {
    this.controller.abort(reason);
  }

  protected broken(error: Error): Promise<Outcome> {
    if (this.run.name === "") this.run.name = this.trackingName;
    if (this.run.stateTimestampUs === 0) this.run.transition(this.call.scope.host.clock.nowUs(), "PENDING", "Pending");
    return this.endHere("FAILED", { name: "Failed", message: error.message, error }, false);
  }

  protected onEnd(): void {
    const { scope, callerTask } = this.call;
    scope.host.live.delete(this.run.id);
    scope.childEnded(this, callerTask);
  }

  protected async toFinalState(): Promise<Outcome> {
    const { definition, scope } = this.call;
    const { tracker, clock } = scope.host;
    const room = tracker.room();
    if (room !== undefined) await room;
    let unstarted: UnstartedEnd | undefined;
    if (this.child === undefined) {
      const resolved = await this.untilCancelled(
        resolveCall(this.args, definition.parameterNames(), {
          waitFor: definition.options.waitFor ?? [],
          keepsRemote: this.call.runner.keepsValues === true && this.looksAtNoArgument(),
        }),
      );
      if (resolved === undefined) unstarted = cancelledUnstarted(this.cancelReason ?? cancelledError());
      else if (resolved.ok) {
        this.args = resolved.args;
        this.inputs = resolved.inputs;
        this.identify();
      } else {
        unstarted = { type: "FAILED", name: "NotReady", message: resolved.message, error: resolved.cause };
      }
    }
    const finished = this.child?.finished;
    const adopted = finished === undefined ? undefined : await adoptedValue(finished);
    if (adopted !== undefined) {
      const message = "Adopted from an earlier attempt of the flow run.";
      return this.completed(adopted.value, { name: "Completed", message }, finished?.runId);
    }
    const createdUs = clock.nowUs();
    // Arguments that are not known have no place in a name or a record.
    if (unstarted === undefined) this.nameRun();
    else if (this.run.name === "") this.run.name = randomRunName();
    this.run.transition(createdUs, "PENDING", "Pending");
    tracker.opened(this.run);
    if (this.run.kind === "flow" && tracker.decides) {
      // The far side must know the run by the id that the store gives it.
      const answer = await announce(scope.host, this.run, this);
      if (answer.kind === "moved") return this.ended({ type: "cancelled", message: answer.reason, reported: true });
    }
    if (unstarted !== undefined) return this.endHere(unstarted.type, unstarted, false);
    if (this.run.kind === "task" && this.tags().length > 0)
      this.needsTagSlots = tracker.decides || (await scope.host.tagLimits.bind(this.tags()));
    return this.carryUntilEnd(createdUs);
  }

  /** Whether no function of the user's beside the body is called with the arguments: large ones may stay where they are. */
  private looksAtNoArgument(): boolean {
    const { options, kind } = this.call.definition;
    const names = kind === "flow" ? options.flowRunName : options.taskRunName;
    return names === undefined && typeof options.key !== "function";
  }

  private identify(): void {
    const { definition, scope, callerTask } = this.call;
    this.child = identifyChild(scope, definition.taskKey, { definition, args: this.args, runId: this.run.id });
    this.inputs = { ...inputsOfValues(this.args, definition.parameterNames), ...this.inputs };
    if (callerTask !== null) {
      this.inputs = { ...this.inputs, __parents__: [{ input_type: "task_run", id: callerTask.run.id }] };
    }
  }

  private nameRun(): void {
    const { definition } = this.call;
    this.named = namedArguments(definition, this.args);
    if (definition.kind === "flow")
      this.run.name = flowRunName(definition.options.flowRunName, definition.name, this.named);
    else if (definition.options.taskRunName !== undefined) {
      this.run.name = taskRunName(definition.options.taskRunName, definition.name, this.named);
    }
  }

  private async carryUntilEnd(createdUs: number): Promise<Outcome> {
    const { definition, runner } = this.call;
    const { options } = definition;
    const timeoutMs = timeoutMsOf(options);
    refuseEmptied(this.args, "args");
    for (let lost = 0; ; lost++) {
      const end = await runner.carry(this.spec(createdUs, lost), {
        signal: this.controller.signal,
        graceMs: Math.min(options.graceMs ?? DEFAULT_GRACE_MS, LONGEST_GRACE_MS),
        timeoutMs,
        onStart: (startedUs) => this.started(startedUs, lost),
        onNotice: (notice) => this.tell(notice),
        placement: runner.description.kind === "ray" ? options.ray : options.dask,
      });
      const delayMs = await this.retryDelay(end, lost + 1);
      if (delayMs === undefined) return this.ended(end);
      await this.awaitRetry(end, delayMs);
      if (this.controller.signal.aborted) return this.ended({ type: "cancelled", message: "", reported: false });
    }
  }

  /**
   * Reports Running from here too: a body that keeps its far side busy lets nothing out of there. Both reports are one, by their timestamp.
   *
   * Not where the far side must ask the store before its body starts.
   */
  private started(startedUs: number, lost: number): void {
    const { tracker } = this.call.scope.host;
    // It may wait for slots there before it runs.
    if (this.needsTagSlots) return;
    if (lost > 0 || (tracker.decides && this.run.kind === "flow")) {
      this.run.observe("RUNNING", lost > 0 ? "Retrying" : "Running", startedUs);
      return;
    }
    this.run.transition(startedUs, "RUNNING", "Running");
    tracker.changed(this.run);
  }

  /** A run whose executor was lost, or had to be terminated past its limit, was not retried by its far side. */
  private async retryDelay(end: RunEnd, number: number): Promise<number | undefined> {
    if (this.controller.signal.aborted || end.reported) return undefined;
    if (end.type !== "failed" && !(end.type === "crashed" && end.retryable)) return undefined;
    const error = fromWireError(end.error);
    const onNoRetry = (reason: string) => this.log(LOG_LEVELS.error, reason);
    return retryDelayMs(this.call.definition.options, { error, number, view: this.view, onNoRetry });
  }

  private async awaitRetry(end: RunEnd, delayMs: number): Promise<void> {
    const { clock, tracker } = this.call.scope.host;
    const message = end.type === "crashed" || end.type === "failed" ? end.error.message : null;
    this.run.reportAfterLatest();
    const scheduledUs = clock.nowUs() + Math.round(delayMs * 1000);
    this.run.transition(clock.nowUs(), "SCHEDULED", "AwaitingRetry", {
      message,
      details: { scheduled_time: microsToIso(scheduledUs) },
    });
    tracker.changed(this.run);
    await tracker.acknowledged(this.run);
    this.log(
      LOG_LEVELS.warning,
      `${message ?? "The executor was lost."} The run is tried again in ${delayMs / 1000} s.`,
    );
    if (delayMs > 0)
      await clock.sleep(delayMs, this.controller.signal).catch((error: unknown) => this.onlyCancelled(error));
  }

  private onlyCancelled(error: unknown): void {
    if (error !== this.controller.signal.reason) throw error;
  }

  private async ended(end: RunEnd): Promise<Outcome> {
    const { signal } = this.controller;
    if (end.record !== undefined) await this.handOn(end.record);
    if (end.type === "completed") {
      if (end.reported) this.run.dropUnreported();
      else this.reportCompleted(end.state_name);
      return this.completed(end.value, { name: end.state_name, message: end.state_message ?? null });
    }
    if (end.type === "cancelled" || (signal.aborted && !end.reported)) {
      // The reason is an Error of ours: `cancel` is the only one that aborts.
      const error = signal.aborted
        ? (signal.reason as Error)
        : cancelledError(end.type === "cancelled" ? end.message : undefined);
      return this.endHere("CANCELLED", { name: "Cancelled", message: error.message, error }, end.reported);
    }
    const error = fromWireError(end.error);
    const message = end.state_message ?? error.message;
    if (end.type === "failed") return this.endHere("FAILED", { name: end.state_name, message, error }, end.reported);
    if (!end.reported) this.log(LOG_LEVELS.error, error.message);
    return this.endHere("CRASHED", { name: "Crashed", message, error }, end.reported);
  }

  /** Reports the end of a body that no engine has run. */
  private reportCompleted(name: string): void {
    const { clock, tracker } = this.call.scope.host;
    this.run.transition(clock.nowUs(), "COMPLETED", name);
    tracker.changed(this.run);
  }

  /** Reports what the far side has left to be reported here, identity and all. */
  private async handOn(record: RunRecord): Promise<void> {
    const { run } = this;
    run.takeOver(record);
    if (run.kind === "task" && record.kind === "task" && record.run !== undefined) {
      const identity = record.run;
      run.source = { identity: () => identity };
    }
    const { host, acknowledgesKept } = this.call.scope;
    host.tracker.changed(run);
    const isKept = record.transitions.at(-1)?.[4] !== undefined;
    if (isKept && acknowledgesKept) await host.tracker.acknowledged(run);
  }

  private completed(
    value: unknown,
    { name, message }: { readonly name: string; readonly message: string | null },
    adoptedFrom?: string,
  ): Outcome {
    const { run } = this;
    const { definition, scope } = this.call;
    const runId = adoptedFrom ?? run.id;
    if (value instanceof RemoteValue) scope.remoteValues.add(value);
    noteOrigin(value, { input_type: run.kind === "task" ? "task_run" : "flow_run", id: runId });
    if (this.child !== undefined)
      rememberChild(scope, { childKey: definition.taskKey, child: this.child }, { runId, value });
    run.observe("COMPLETED", name, scope.host.clock.nowUs());
    return finalState({
      type: "COMPLETED",
      name,
      message,
      timestampUs: run.stateTimestampUs,
      outcome: { value },
    });
  }

  private async endHere(
    type: "FAILED" | "CANCELLED" | "CRASHED",
    end: { readonly name: string; readonly message: string; readonly error: Error },
    reported: boolean,
  ): Promise<Outcome> {
    const { run } = this;
    const { clock, tracker } = this.call.scope.host;
    if (reported) {
      run.dropUnreported();
      run.observe(type, end.name, clock.nowUs());
    } else {
      if (!run.unannounced) run.reportAfterLatest();
      run.transition(clock.nowUs(), type, end.name, { message: end.message });
      tracker.changed(run);
      await tracker.acknowledged(run);
    }
    const { name, message } = end;
    const outcome = finalState<unknown>({
      name,
      message,
      type,
      timestampUs: run.stateTimestampUs,
      outcome: { error: end.error },
    });
    if (!reported) await this.runFinalHooks(outcome);
    return outcome;
  }

  /** The far side runs the hooks of an end that it reports; those of an end that it could not report are run here. */
  private async runFinalHooks(outcome: Outcome): Promise<void> {
    const { definition, scope } = this.call;
    const hooks = finalHooks(definition.options, outcome.type);
    if (hooks === undefined) return;
    this.final = outcome;
    await runHooks(hooks, this, new Frame(this.run, scope));
  }

  readonly view = (): RunView => {
    const { definition } = this.call;
    const flowRunId = this.run.kind === "flow" ? this.run.id : this.parentId();
    return viewOf(this.run, definition, { flowRunId, tags: this.tags(), parameters: this.named });
  };

  private spec(createdUs: number, lost: number): RunSpec {
    const { run, args, inputs, named, overrides, trackingId, trackingName } = this;
    const { definition, scope } = this.call;
    return specOf(definition, scope, {
      run,
      args,
      inputs,
      parameters: definition.kind === "flow" ? jsonSafeParameters(named) : null,
      dynamicKey: this.dynamicKey(),
      overrides,
      tracking: { id: trackingId, name: trackingName },
      needsTagSlots: this.needsTagSlots,
      createdUs,
      lost,
    });
  }

  private parentId(): string | null {
    return this.call.scope.flowRun?.id ?? null;
  }

  private dynamicKey(): string {
    return this.child?.dynamicKey ?? this.run.id;
  }

  private tags(): readonly string[] {
    return tagsOf(this.call.definition, this.call.scope.tags);
  }

  private taskIdentity(definition: TaskDefinition): TaskRunIdentity {
    return taskIdentity(definition, this.run.name, {
      flowRunId: this.parentId(),
      dynamicKey: this.dynamicKey(),
      tags: this.tags(),
      inputs: this.inputs,
      cacheKey: undefined,
    });
  }

  private flowIdentity(definition: FlowDefinition): FlowRunIdentity {
    return flowIdentity(definition, this.run.name, {
      parameters: jsonSafeParameters(this.named),
      tags: this.tags(),
      parentTaskRun:
        this.trackingId === null
          ? null
          : trackingIdentity(definition, {
              id: this.trackingId,
              name: this.trackingName,
              flowRunId: this.parentId(),
              dynamicKey: this.dynamicKey(),
              tags: this.call.scope.tags,
              inputs: this.inputs,
            }),
    });
  }

  private tell({ level, message, link, isOfRunner = false }: RunnerNotice): void {
    const { frame, flowRun, host } = this.call.scope;
    if (link !== undefined && flowRun !== null) {
      void keepLink(host, flowRun.id, link).then((refused) => {
        if (refused !== undefined) this.log(LOG_LEVELS.warning, `The link to ${link.url} was not kept: ${refused}`);
      });
    }
    if (isOfRunner && frame !== undefined) logLine(frame, LOG_LEVELS[level], message);
    else this.log(LOG_LEVELS[level], message);
  }

  private log(level: number, message: string): void {
    logLine(new Frame(this.run, this.call.scope), level, message);
  }
}
