import type { TaskRunIdentity } from "../../wire/run-record.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { cancelledError } from "../context/cancellation.ts";
import { needsResolution, resolveCall, asError } from "../context/call-arguments.ts";
import {
  adoptedValue,
  forgetChild,
  identifyChild,
  rememberChild,
  type ChildIdentity,
} from "../context/child-identity.ts";
import { namedArguments, timeoutMsOf, type Outcome, type RunView, type TaskDefinition } from "../definition.ts";
import { Frame, type FinishedChild, type FlowScope } from "../context/frame.ts";
import { finalHooks, runHooks } from "./hooks.ts";
import { NO_INPUTS, tagsOf, taskIdentity, viewOf, type RunInputs } from "../context/identities.ts";
import { inputsOfValues, noteOrigin } from "../context/result-origin.ts";
import { newRunId } from "../run-id.ts";
import type { TaskCall } from "./calls.ts";
import { Execution } from "./execution.ts";
import { readReturnValue, type ReturnedEnd } from "./flow-body.ts";
import { retryDelayMs } from "./retry.ts";
import { runBody, warnBlocked, type BodyEnd } from "./run-body.ts";
import { captureConsole, logLine, LOG_LEVELS } from "../context/run-logger.ts";
import { TaskRun, type TransitionDetails } from "../run.ts";
import { localValue } from "../values/remote-value.ts";
import { refuseEmptied } from "../values/serializable.ts";
import { taskRunName } from "../values/run-name.ts";
import { finalState, isState, type State } from "../state.ts";
import { takeTagSlots } from "../store/tag-slots.ts";
import { TaskResults, type PreparedResult } from "./task-results.ts";
import { currentTransaction, stageTask, type Transaction } from "../results/transaction.ts";
import { turnOver } from "../turn.ts";

/** Starts a task run on this event loop. Its outcome settles when the run is over and never rejects. */
export function startTask(call: TaskCall): TaskExecution {
  const execution = new TaskExecution(call);
  execution.start();
  return execution;
}

/**
 * One task run on this event loop, from its call to its final state.
 *
 * Pending (arguments resolved, identity fixed) → adopted from an earlier attempt, or taken from the cache, or Running, with retries → final. The
 * run is reported when its identity is fixed; what ends before the next flush costs one record.
 */
export class TaskExecution extends Execution<TaskRun> {
  readonly carried = false;
  readonly definition: TaskDefinition;
  readonly scope: FlowScope;
  private readonly call: TaskCall;
  private args: readonly unknown[];
  private inputs: RunInputs;
  private child: ChildIdentity | undefined;
  private results: TaskResults | undefined;
  private frame: Frame | undefined;

  constructor(call: TaskCall) {
    const { definition, scope, assigned } = call;
    const name = assigned?.runName ?? `${definition.name}-${scope.nameIndex(definition.taskKey)}`;
    super(new TaskRun(assigned?.runId ?? newRunId(), name));
    this.run.source = this;
    this.run.runCount = assigned?.runCount ?? 0;
    this.call = call;
    this.definition = definition;
    this.scope = scope;
    this.args = call.args;
    this.inputs = assigned?.inputs ?? NO_INPUTS;
  }

  start(): void {
    this.scope.childOpened(this, this.call.callerTask);
    // The identity is fixed in the order of calls, so it must not wait for anything that it does not need.
    this.begin(this.mustResolve() ? undefined : () => this.identify());
  }

  identity(): TaskRunIdentity {
    const { definition, run, scope, inputs } = this;
    return taskIdentity(definition, run.name, {
      flowRunId: scope.flowRun?.id ?? null,
      dynamicKey: this.child?.dynamicKey ?? run.id,
      tags: this.tags(),
      inputs,
      cacheKey: this.results?.cacheKey,
    });
  }

  view = (): RunView => {
    const { run, definition, scope } = this;
    const parameters = namedArguments(definition, this.args);
    return viewOf(run, definition, { flowRunId: scope.flowRun?.id ?? null, tags: this.tags(), parameters });
  };

  private tags(): readonly string[] {
    return tagsOf(this.definition, this.scope.tags);
  }

  protected onCancel(reason: Error): void {
    this.frame?.cancel(reason);
  }

  protected broken(error: Error): Promise<Outcome> {
    return this.failed(failureOf({ type: "error", error }));
  }

  protected onEnd(): void {
    this.scope.childEnded(this, this.call.callerTask);
  }

  protected toFinalState(): Promise<Outcome> {
    const turn = turnOver();
    const room = this.scope.host.tracker.room();
    if (turn === undefined && room === undefined && this.child !== undefined) return this.proceed();
    return this.proceedLater(turn, room);
  }

  private async proceedLater(turn: Promise<void> | undefined, room: Promise<void> | undefined): Promise<Outcome> {
    if (turn !== undefined) await turn;
    if (room !== undefined) await room;
    if (this.child === undefined) {
      const { options, parameterNames } = this.definition;
      const { waitFor = [] } = options;
      const resolved = await this.untilCancelled(resolveCall(this.args, parameterNames(), { waitFor }));
      if (resolved === undefined) return this.cancelled();
      if (!resolved.ok) return this.upstreamFailed(resolved.message, resolved.cause);
      this.args = resolved.args;
      this.inputs = { ...this.inputs, ...resolved.inputs };
      this.identify();
    }
    return this.proceed();
  }

  private proceed(): Promise<Outcome> {
    const finished = this.child?.finished;
    if (finished !== undefined) return this.adoptOrRun(finished);
    if (this.cancelReason !== undefined) return this.cancelled();
    return this.reported();
  }

  private mustResolve(): boolean {
    return (
      this.call.assigned === undefined && (this.definition.options.waitFor !== undefined || needsResolution(this.args))
    );
  }

  private identify(): void {
    const { assigned, callerTask } = this.call;
    const { definition, scope, run } = this;
    if (assigned !== undefined) {
      this.child = { dynamicKey: assigned.dynamicKey, finished: undefined, adoptable: false };
      return;
    }
    this.child = identifyChild(scope, definition.taskKey, { definition, args: this.args, runId: run.id });
    if (this.child.finished !== undefined) return;
    const origins = inputsOfValues(this.args, definition.parameterNames);
    if (origins !== undefined) this.inputs = { ...origins, ...this.inputs };
    if (callerTask !== null) {
      this.inputs = { ...this.inputs, __parents__: [{ input_type: "task_run", id: callerTask.run.id }] };
    }
  }

  private async adoptOrRun(finished: FinishedChild): Promise<Outcome> {
    const adopted = await adoptedValue(finished);
    if (adopted !== undefined) return this.adopt(finished.runId, await localValue(adopted.value));
    if (this.cancelReason !== undefined) return this.cancelled();
    return this.reported();
  }

  private adopt(runId: string, value: unknown): Outcome {
    const { scope } = this;
    rememberChild(scope, { childKey: this.definition.taskKey, child: this.child as ChildIdentity }, { runId, value });
    return finalState({
      type: "COMPLETED",
      name: "Completed",
      message: "Adopted from an earlier attempt of the flow run.",
      timestampUs: scope.host.clock.nowUs(),
      outcome: { value },
    });
  }

  /** From here on the store hears of the run. */
  private reported(): Promise<Outcome> {
    const { definition, run, scope, call } = this;
    const { clock, tracker } = scope.host;
    const { taskRunName: template } = definition.options;
    if (template !== undefined && call.assigned === undefined) {
      run.name = taskRunName(template, definition.name, namedArguments(definition, this.args));
    }
    if ((call.assigned?.runCount ?? 0) > 0) run.reportAfterLatest();
    run.transition(call.assigned?.createdUs ?? clock.nowUs(), "PENDING", "Pending");
    if (TaskResults.isWanted(definition, scope)) return this.cachedOrRun();
    tracker.opened(run);
    return this.attempts();
  }

  private async cachedOrRun(): Promise<Outcome> {
    const { definition, run, scope, call } = this;
    this.results = TaskResults.open({ definition, scope, runId: run.id, onNoKey: this.onNoKey }, this.args);
    const earlier = call.assigned?.mayHaveRun === true ? await this.results.readOwn() : undefined;
    if (earlier !== undefined) {
      call.assigned?.bodyEnded({ value: earlier.value });
      return this.complete(earlier.value, "Completed", {
        message: "Finished by an earlier execution of the run.",
        data: earlier.reference,
      });
    }
    const cached = await this.results.read();
    if (cached === undefined) {
      scope.host.tracker.opened(run);
      return this.attempts();
    }
    call.assigned?.bodyEnded({ value: cached.value });
    const details = { message: "Result taken from the cache.", data: cached.reference };
    const outcome = this.complete(cached.value, "Cached", details);
    await this.hooks(definition.options.onCompletion, outcome);
    return outcome;
  }

  private async attempts(): Promise<Outcome> {
    const { definition, run, scope, call } = this;
    const { options } = definition;
    const timeoutMs = call.assigned?.timeoutMs ?? timeoutMsOf(options);
    const earlier = call.assigned?.runCount ?? 0;
    for (let attempt = 1 + earlier; ; attempt++) {
      const logPrints = options.logPrints ?? scope.logPrints;
      if (logPrints) captureConsole();
      const frame = new Frame(run, scope, { logPrints, tags: this.tags() });
      this.frame = frame;
      if (this.cancelReason !== undefined) frame.cancel(this.cancelReason);
      let startedUs = attempt === 1 + earlier ? call.assigned?.startedUs : undefined;
      const needsSlots = attempt === 1 + earlier && this.needsTagSlots();
      const isAsked = typeof needsSlots === "boolean" ? needsSlots : await needsSlots;
      if (isAsked) {
        if (!(await this.takeTagSlots(frame))) return this.cancelled();
        // The near side has left this state to us.
        startedUs = undefined;
      }
      run.transition(startedUs ?? scope.host.clock.nowUs(), "RUNNING", attempt === 1 ? "Running" : "Retrying");
      scope.host.tracker.changed(run);
      // A body that keeps its worker busy would let nobody see that it runs.
      if (isAsked && call.assigned !== undefined) await scope.host.tracker.acknowledged(run);
      if (options.onRunning !== undefined) await runHooks(options.onRunning, this, frame);
      if (this.cancelReason !== undefined) return this.cancelled();
      const end = await runBody(
        frame,
        { fn: definition.fn, args: this.args },
        {
          timeoutMs,
          ...(call.submitted && { onBlocked: this.onBlocked }),
        },
      );
      if (this.cancelReason !== undefined) return this.cancelled();
      if (end.type === "value" && !isStateOrStates(end.value))
        return this.isPlain() ? this.complete(end.value, "Completed") : this.succeeded(end.value);
      const ended = end.type === "value" ? await readReturnValue(end.value) : failureOf(end);
      if (ended.type === "COMPLETED") return this.succeeded(ended.value, ended);
      const delayMs = ended.type === "FAILED" ? await this.retryDelay(ended.error, attempt) : undefined;
      if (delayMs === undefined) return this.failed(ended);
      if (!(await this.waitForRetry(delayMs))) return this.cancelled();
    }
  }

  /** Most runs have no tags, and most stores no limits to ask for. */
  private needsTagSlots(): boolean | Promise<boolean> {
    const { call, scope } = this;
    if (call.assigned !== undefined) return call.assigned.needsTagSlots;
    const tags = this.tags();
    return tags.length > 0 && (scope.host.tracker.decides || scope.host.tagLimits.bind(tags));
  }

  /** False when the run was cancelled meanwhile. */
  private async takeTagSlots(frame: Frame): Promise<boolean> {
    const { scope, run } = this;
    try {
      // Our store leases slots to runs that it knows.
      if (!scope.host.tracker.decides) await scope.host.tracker.acknowledged(run);
      const taken = takeTagSlots(scope.host, { runId: run.id, tags: this.tags(), signal: frame.signal });
      await (scope.slotWaits === null ? taken : scope.slotWaits.during(taken));
      return true;
    } catch (error) {
      if (this.cancelReason === undefined) throw error;
      return false;
    }
  }

  private async retryDelay(error: unknown, attempt: number): Promise<number | undefined> {
    const { options } = this.definition;
    if (options.retries === undefined) return undefined;
    return retryDelayMs(options, { error, number: attempt, view: this.view, onNoRetry: this.onNoRetry });
  }

  /** False when the run was cancelled meanwhile. */
  private async waitForRetry(delayMs: number): Promise<boolean> {
    const { clock } = this.scope.host;
    if (this.cancelReason !== undefined) return false;
    if (delayMs <= 0) return true;
    // That of the attempt is stopped already where it has timed out.
    const frame = new Frame(this.run, this.scope);
    this.frame = frame;
    const scheduledUs = clock.nowUs() + Math.round(delayMs * 1000);
    this.transition("SCHEDULED", "AwaitingRetry", { details: { scheduled_time: microsToIso(scheduledUs) } });
    try {
      await clock.sleep(delayMs, frame.signal);
      return true;
    } catch (error) {
      if (error !== this.cancelReason) throw error;
      return false;
    }
  }

  /** @param as what the body has called its end, where it has returned a state */
  private async succeeded(value: unknown, as: NamedEnd = COMPLETED): Promise<Outcome> {
    const { call } = this;
    const transaction = currentTransaction();
    let prepared: PreparedResult | undefined;
    try {
      if (call.assigned !== undefined) refuseEmptied(value, "result");
      call.assigned?.bodyEnded({ value });
      prepared = this.results?.prepare(value);
      if (transaction === undefined && !this.hasTransactionHooks()) await prepared?.write();
    } catch (error) {
      return this.failed(failureOf({ type: "error", error }));
    }
    const { name, message } = as;
    const details =
      prepared === undefined && message === null ? undefined : { message, data: prepared?.reference ?? null };
    const outcome = this.complete(value, name, details);
    if (prepared !== undefined && this.scope.acknowledgesKept) await this.scope.host.tracker.acknowledged(this.run);
    await this.hooks(this.definition.options.onCompletion, outcome);
    if (transaction !== undefined || this.hasTransactionHooks()) await this.stage(transaction, prepared);
    return outcome;
  }

  /** Whether nothing is to be awaited after the body: most runs, which then pay for nothing. */
  private isPlain(): boolean {
    const noHooks = this.definition.options.onCompletion === undefined && !this.hasTransactionHooks();
    return (
      noHooks && this.results === undefined && this.call.assigned === undefined && currentTransaction() === undefined
    );
  }

  private hasTransactionHooks(): boolean {
    const { onCommit, onRollback } = this.definition.options;
    return onCommit !== undefined || onRollback !== undefined;
  }

  /** Leaves the result's write and the hooks to the transaction around the call; without one they happen now. */
  private async stage(transaction: Transaction | undefined, prepared: PreparedResult | undefined): Promise<void> {
    const { onCommit, onRollback } = this.definition.options;
    await stageTask(transaction, {
      name: this.run.name,
      ...(prepared !== undefined && { write: prepared.write }),
      ...(onCommit !== undefined && { onCommit: [onCommit] }),
      ...(onRollback !== undefined && { onRollback: [onRollback] }),
      onRolledBack: () => {
        forgetChild(this.scope, { childKey: this.definition.taskKey, child: this.child as ChildIdentity }, this.run.id);
        this.transition("COMPLETED", "RolledBack", { message: "The transaction of the run was rolled back." });
      },
      report: ({ during, error }) =>
        this.log(LOG_LEVELS.error, `A hook or write failed during ${during}: ${asError(error).message}`),
    });
  }

  private complete(value: unknown, name: string, details?: TransitionDetails): Outcome {
    const { definition, run, scope } = this;
    this.transition("COMPLETED", name, details);
    noteOrigin(value, { input_type: "task_run", id: run.id });
    if (scope.finished !== null) {
      rememberChild(
        scope,
        { childKey: definition.taskKey, child: this.child as ChildIdentity },
        { runId: run.id, value },
      );
    }
    return finalState<unknown>({
      type: "COMPLETED",
      name,
      message: details?.message ?? null,
      timestampUs: run.stateTimestampUs,
      outcome: { value },
    });
  }

  private async failed(end: FailedEnd): Promise<Outcome> {
    this.call.assigned?.bodyEnded();
    await currentTransaction()?.abandon();
    const message = end.message ?? end.error.message;
    this.log(LOG_LEVELS.error, `${message}\n${end.error.stack ?? ""}`);
    return this.ended(end.type, { name: end.name, message, error: end.error });
  }

  private cancelled(): Promise<Outcome> {
    const error = this.cancelReason ?? cancelledError();
    this.call.assigned?.bodyEnded();
    return this.ended("CANCELLED", { name: "Cancelled", message: error.message, error });
  }

  private upstreamFailed(message: string, error: Error): Promise<Outcome> {
    this.child = { dynamicKey: this.run.id, finished: undefined, adoptable: false };
    this.run.transition(this.scope.host.clock.nowUs(), "PENDING", "Pending");
    return this.ended("FAILED", { name: "NotReady", message, error });
  }

  private async ended(
    type: FailedEnd["type"],
    end: { readonly name: string; readonly message: string; readonly error: Error },
  ): Promise<Outcome> {
    const { run, definition } = this;
    if (run.stateTimestampUs === 0) run.transition(this.scope.host.clock.nowUs(), "PENDING", "Pending");
    this.transition(type, end.name, { message: end.message });
    const outcome = finalState<unknown>({
      ...end,
      type,
      timestampUs: run.stateTimestampUs,
      outcome: { error: end.error },
    });
    await this.hooks(finalHooks(definition.options, type), outcome);
    return outcome;
  }

  private async hooks(option: Parameters<typeof runHooks>[0] | undefined, outcome: Outcome): Promise<void> {
    if (option === undefined) return;
    this.final = outcome;
    await runHooks(option, this, this.frame ?? new Frame(this.run, this.scope));
  }

  private transition(type: State<unknown>["type"], name: string, details?: TransitionDetails): void {
    const { host } = this.scope;
    this.run.transition(host.clock.nowUs(), type, name, details);
    host.tracker.changed(this.run);
  }

  private log(level: number, message: string): void {
    logLine(this.frame ?? new Frame(this.run, this.scope), level, message);
  }

  private readonly onNoRetry = (reason: string): void => this.log(LOG_LEVELS.error, reason);

  private readonly onNoKey = (reason: string): void => {
    this.log(LOG_LEVELS.warning, `The run is not cached: ${reason}`);
  };

  private readonly onBlocked = (blockedMs: number): void => warnBlocked(this, blockedMs);
}

/** What a run's end is called. */
interface NamedEnd {
  readonly name: string;
  readonly message: string | null;
}
const COMPLETED: NamedEnd = { name: "Completed", message: null };

type FailedEnd = Exclude<ReturnedEnd, { type: "COMPLETED" }>;

/** How a task ends whose body has thrown, or taken too long. */
function failureOf(end: Exclude<BodyEnd, { type: "value" }>): FailedEnd {
  const error = asError(end.error);
  if (end.type === "timed-out") return { type: "FAILED", name: "TimedOut", message: error.message, error };
  const message = `Task run encountered an exception ${error.name}: ${error.message}`;
  return { type: "FAILED", name: "Failed", message, error };
}

/** Whether a body has returned a state, or a list of nothing else: then that decides how the run ends. */
function isStateOrStates(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value) ? value.length > 0 && value.every(isState) : isState(value);
}
