import { SluiceError } from "../../wire/errors.ts";
import type { FlowRunIdentity, TaskRunIdentity } from "../../wire/run-record.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { asError, needsResolution, resolveCall } from "../context/call-arguments.ts";
import { cancelledError } from "../context/cancellation.ts";
import { earlierChildren } from "../store/earlier-children.ts";
import { localValue } from "../values/remote-value.ts";
import {
  adoptedValue,
  forgetChild,
  identifyChild,
  journalKey,
  rememberChild,
  type ChildIdentity,
} from "../context/child-identity.ts";
import { namedArguments, timeoutMsOf, type FlowDefinition, type Outcome, type RunView } from "../definition.ts";
import { FlowScope, Frame, type FinishedChild } from "../context/frame.ts";
import { finalHooks, runHooks } from "./hooks.ts";
import type { EngineHost } from "../host.ts";
import { jsonSafeParameters } from "../values/json-safe.ts";
import { flowIdentity, NO_INPUTS, tagsOf, trackingIdentity, viewOf, type RunInputs } from "../context/identities.ts";
import { inputsOfValues, noteOrigin } from "../context/result-origin.ts";
import { newRunId } from "../run-id.ts";
import type { FlowCall } from "./calls.ts";
import { Execution } from "./execution.ts";
import { retryDelayMs } from "./retry.ts";
import { announce, propose, type Answer } from "../store/proposal.ts";
import { cancelledEnd, outcomeOf, refusedEnd } from "./flow-outcome.ts";
import { runFlowBody, type ReturnedEnd } from "./flow-body.ts";
import { captureConsole, logLine, LOG_LEVELS } from "../context/run-logger.ts";
import { refuseEmptied } from "../values/serializable.ts";
import { flowRunName, randomRunName } from "../values/run-name.ts";
import { FlowRun, type TransitionDetails } from "../run.ts";
import { finalState, type State } from "../state.ts";
import { currentTransaction, stageTask } from "../results/transaction.ts";
import { persistValue } from "./task-results.ts";
import { turnOver } from "../turn.ts";

/** Starts a flow run on this event loop. Its outcome settles when the store has acknowledged the final state, and never rejects for a failed run. */
export function startFlow(call: FlowCall): FlowExecution {
  const execution = new FlowExecution(call);
  execution.start();
  return execution;
}

/**
 * One flow run on this event loop, from its call to its acknowledged final state.
 *
 * Pending → (adopted) → Running, with retries → final. The body's children are waited for before the run ends, so nothing that it started outlives it.
 */
export class FlowExecution extends Execution<FlowRun> {
  readonly carried = false;
  readonly definition: FlowDefinition;
  private readonly call: FlowCall;
  private readonly host: EngineHost;
  private readonly trackingId: string | null;
  private readonly trackingName: string;
  private args: readonly unknown[];
  private parameters: Readonly<Record<string, unknown>> = {};
  private inputs: RunInputs = NO_INPUTS;
  private child: ChildIdentity | undefined;
  private frame: Frame | undefined;
  private scope: FlowScope | undefined;

  constructor(call: FlowCall) {
    const { definition, parent, assigned } = call;
    super(new FlowRun(assigned?.runId ?? newRunId(), assigned?.runName ?? ""));
    this.run.source = this;
    this.run.runCount = assigned?.runCount ?? 0;
    this.call = call;
    this.definition = definition;
    this.host = call.host;
    this.args = call.args;
    this.trackingId = parent === null ? null : newRunId();
    this.trackingName = parent === null ? "" : `${definition.name}-${parent.nameIndex(definition.taskKey)}`;
  }

  start(): void {
    const { parent, assigned, definition, callerTask } = this.call;
    parent?.childOpened(this, callerTask);
    this.host.live.set(this.run.id, this);
    const ready = assigned === undefined && definition.options.waitFor === undefined && !needsResolution(this.args);
    this.begin(ready ? () => (parent === null ? this.nameRun() : this.identify(parent)) : undefined);
  }

  identity(): FlowRunIdentity {
    const { definition, run, call, parameters } = this;
    const identity = flowIdentity(definition, run.name, {
      parameters,
      tags: this.tags(),
      parentTaskRun: this.parentTaskRun(),
    });
    if (call.assigned !== undefined || call.parent !== null) return identity;
    return { ...identity, labels: { "sluice.source_hash": definition.reference.source_hash } };
  }

  view = (): RunView =>
    viewOf(this.run, this.definition, { flowRunId: this.run.id, tags: this.tags(), parameters: this.parameters });

  private parentTaskRun(): ({ id: string } & TaskRunIdentity) | null {
    const { parent, assigned } = this.call;
    if (assigned !== undefined) return assigned.parentTaskRun;
    if (parent === null || this.trackingId === null) return null;
    return trackingIdentity(this.definition, {
      id: this.trackingId,
      name: this.trackingName,
      flowRunId: parent.flowRun?.id ?? null,
      dynamicKey: this.child?.dynamicKey ?? this.run.id,
      tags: parent.tags,
      inputs: this.inputs,
    });
  }

  private tags(): readonly string[] {
    return tagsOf(this.definition, this.call.assigned?.tags ?? this.call.parent?.tags ?? []);
  }

  private identify(parent: FlowScope): void {
    const { definition, run, args } = this;
    this.child = identifyChild(parent, definition.taskKey, { definition, args, runId: run.id });
    if (this.child.finished !== undefined) return;
    this.inputs = { ...inputsOfValues(args, definition.parameterNames), ...this.inputs };
    this.nameRun();
  }

  private nameRun(): void {
    const { definition, run } = this;
    const named = namedArguments(definition, this.args);
    this.parameters = jsonSafeParameters(named);
    run.name = flowRunName(definition.options.flowRunName, definition.name, named);
  }

  protected onCancel(reason: Error, ownWish: boolean): void {
    if (this.frame === undefined) return;
    if (ownWish) this.transition("CANCELLING", "Cancelling", { message: reason.message });
    this.frame.cancel(reason);
  }

  /** Ends a run that a function of the user's beside the body has broken: its name, its key, its parameters. */
  protected broken(error: Error): Promise<Outcome> {
    if (this.run.name === "") this.run.name = randomRunName();
    if (this.run.stateTimestampUs === 0) this.run.transition(this.host.clock.nowUs(), "PENDING", "Pending");
    return this.finish({ type: "FAILED", name: "Failed", message: error.message, error });
  }

  protected onEnd(): void {
    this.host.live.delete(this.run.id);
    this.scope?.releaseValues();
    this.call.parent?.childEnded(this, this.call.callerTask);
  }

  protected async toFinalState(): Promise<Outcome> {
    const { call, definition, run } = this;
    const turn = turnOver();
    if (turn !== undefined) await turn;
    const room = this.host.tracker.room();
    if (room !== undefined) await room;
    if (call.assigned !== undefined) this.parameters = jsonSafeParameters(namedArguments(definition, this.args));
    else if (run.name === "" && this.child?.finished === undefined) {
      const upstream = await this.resolveArguments();
      if (upstream !== undefined) return upstream;
    }
    const finished = this.child?.finished;
    const adopted = finished === undefined ? undefined : await adoptedValue(finished);
    if (finished !== undefined && adopted !== undefined && call.parent !== null && this.child !== undefined) {
      rememberChild(call.parent, { childKey: definition.taskKey, child: this.child }, finished);
      const message = "Adopted from an earlier attempt of the flow run.";
      return finalState({
        type: "COMPLETED",
        name: "Completed",
        message,
        timestampUs: this.host.clock.nowUs(),
        outcome: { value: await localValue(adopted.value) },
      });
    }
    if (call.assigned?.mayHaveRun === true) run.reportAfterLatest();
    run.transition(call.assigned?.createdUs ?? this.host.clock.nowUs(), "PENDING", "Pending");
    this.host.tracker.opened(run);
    if (this.host.tracker.decides) {
      const answer = await announce(this.host, run, this);
      if (answer.kind === "moved") return this.endedElsewhere(answer);
    }
    call.onCreated?.(this);
    if (this.cancelReason !== undefined) return this.finish(cancelledEnd(this.cancelReason));
    return this.attempts();
  }

  private async resolveArguments(): Promise<Outcome | undefined> {
    const { call, definition } = this;
    const { waitFor = [] } = definition.options;
    const resolved = await this.untilCancelled(resolveCall(this.args, definition.parameterNames(), { waitFor }));
    if (resolved?.ok === true) {
      this.args = resolved.args;
      this.inputs = resolved.inputs;
      if (call.parent === null) this.nameRun();
      else this.identify(call.parent);
      return undefined;
    }
    this.run.name = randomRunName();
    this.run.transition(this.host.clock.nowUs(), "PENDING", "Pending");
    if (resolved === undefined) return this.finish(cancelledEnd(this.cancelReason ?? cancelledError()));
    return this.finish({ type: "FAILED", name: "NotReady", message: resolved.message, error: resolved.cause });
  }

  private openScope(): FlowScope {
    const { call, definition, host } = this;
    const { assigned, parent } = call;
    return new FlowScope({
      host,
      parent,
      flowRun: this.run,
      flowName: definition.name,
      parameters: this.parameters,
      tags: this.tags(),
      depth: assigned?.depth ?? (parent === null ? 0 : parent.depth + 1),
      taskRunner: call.taskRunner,
      slotWaits: assigned?.slotWaits ?? parent?.slotWaits ?? null,
      logPrints: definition.options.logPrints ?? assigned?.logPrints ?? parent?.logPrints ?? host.settings.logPrints,
      keepFinished: (definition.options.retries ?? 0) > 0,
      acknowledgesKept: assigned !== undefined || parent?.acknowledgesKept === true,
    });
  }

  private async attempts(): Promise<Outcome> {
    const { definition, run, call } = this;
    const { options } = definition;
    const scope = this.openScope();
    this.scope = scope;
    if (scope.logPrints) captureConsole();
    await this.readJournal(scope);
    const earlier = call.assigned?.runCount ?? 0;
    for (let attempt = 1 + earlier; ; attempt++) {
      scope.beginAttempt();
      const frame = new Frame(run, scope);
      this.frame = frame;
      scope.frame = frame;
      if (this.cancelReason !== undefined) frame.cancel(this.cancelReason);
      const startedUs = attempt === 1 + earlier ? call.assigned?.startedUs : undefined;
      const refused = await this.startRunning(startedUs);
      if (refused !== undefined) return refused;
      // An inline subflow's beginning is in its parent's story already; its end is worth a line.
      if (attempt === 1 && call.parent === null) {
        this.log(LOG_LEVELS.info, `Beginning flow run '${run.name}' for flow '${definition.name}'`);
      }
      if (options.onRunning !== undefined) await runHooks(options.onRunning, this, frame);
      if (this.cancelReason !== undefined) return this.finish(cancelledEnd(this.cancelReason));
      const end = await runFlowBody(frame, definition, { args: this.args, timeoutMs: this.timeoutMs() });
      const mayRetry = end.type === "FAILED" && this.cancelReason === undefined && !frame.isEndedThere;
      if (mayRetry && (await this.waitForRetry(scope, end, attempt))) {
        if (this.cancelReason !== undefined) return this.finish(cancelledEnd(this.cancelReason));
        continue;
      }
      const ended = await this.end(end);
      if (!("againInMs" in ended)) return ended;
      await this.sleepBetween(scope, ended.againInMs);
    }
  }

  private timeoutMs(): number | null {
    return this.call.assigned?.timeoutMs ?? timeoutMsOf(this.definition.options);
  }

  /** Finds what an earlier execution has left: of this run, or of the same call in the parent's. */
  private async readJournal(scope: FlowScope): Promise<void> {
    const { call, definition, run, child } = this;
    const key = child === undefined ? "" : journalKey(definition.taskKey, child.dynamicKey);
    const earlier = call.assigned?.mayHaveRun === true ? [run.id] : call.parent?.begun.get(key);
    if (earlier === undefined) return;
    const { finished, begun } = await earlierChildren(this.host, earlier);
    scope.journal = finished;
    scope.begun = begun;
  }

  /** Moves the run to Running, when the store agrees where it decides. Gives the outcome of a run that may not start. */
  private async startRunning(startedUs: number | undefined): Promise<Outcome | undefined> {
    const { run, host } = this;
    run.transition(startedUs ?? host.clock.nowUs(), "RUNNING", "Running");
    host.tracker.changed(run);
    while (host.tracker.decides) {
      const answer = await propose(host, run);
      if (answer.kind === "agreed") break;
      run.runCount--;
      if (answer.kind === "moved") return this.endedElsewhere(answer);
      this.log(LOG_LEVELS.info, `The server lets the run start in ${answer.delayMs / 1000} s: ${answer.reason}`);
      await this.sleep(answer.delayMs);
      if (this.cancelReason !== undefined) return this.finish(cancelledEnd(this.cancelReason));
      this.transition("RUNNING", "Running");
    }
    return undefined;
  }

  /** False when the run is not to be tried again. Ends early when the run is cancelled. */
  private async waitForRetry(
    scope: FlowScope,
    end: Exclude<ReturnedEnd, { type: "COMPLETED" }>,
    attempt: number,
  ): Promise<boolean> {
    const delayMs = await retryDelayMs(this.definition.options, {
      error: end.error,
      number: attempt,
      view: this.view,
      onNoRetry: (reason) => this.log(LOG_LEVELS.error, reason),
    });
    if (delayMs === undefined) return false;
    const message = `${end.message ?? end.error.message}; the flow run is tried again in ${delayMs / 1000} s`;
    this.log(LOG_LEVELS.info, message);
    const scheduledUs = this.host.clock.nowUs() + Math.round(delayMs * 1000);
    this.transition("SCHEDULED", "AwaitingRetry", { details: { scheduled_time: microsToIso(scheduledUs) } });
    await this.sleepBetween(scope, delayMs);
    return true;
  }

  /** Sleeps with a frame of its own: that of the attempt before is stopped already where it has timed out. */
  private async sleepBetween(scope: FlowScope, delayMs: number): Promise<void> {
    if (this.cancelReason !== undefined) return;
    this.frame = new Frame(this.run, scope);
    await this.sleep(delayMs);
  }

  private async sleep(delayMs: number): Promise<void> {
    if (delayMs <= 0) return;
    try {
      await this.host.clock.sleep(delayMs, this.frame?.signal);
    } catch (error) {
      if (error !== this.cancelReason) throw error;
    }
  }

  /** Ends a run whose body is not to be tried again, whatever the store would allow. */
  private async finish(proposed: ReturnedEnd): Promise<Outcome> {
    const ended = await this.end(proposed);
    if ("againInMs" in ended) throw refusedEnd(this.run.name, "it asks for another attempt, and there is none.");
    return ended;
  }

  /** Ends the run, unless the store decides that it is tried again. */
  private async end(proposed: ReturnedEnd): Promise<Outcome | { readonly againInMs: number }> {
    const { run, call, definition } = this;
    if (this.host.tracker.decides && run.unannounced) await announce(this.host, run, this);
    let end = this.cancelReason === undefined ? proposed : cancelledEnd(this.cancelReason, proposed);
    let details: TransitionDetails | undefined = end.message === null ? undefined : { message: end.message };
    try {
      if (call.assigned !== undefined && end.type === "COMPLETED") refuseEmptied(end.value, "result");
      call.assigned?.bodyEnded(end.type === "COMPLETED" ? { value: end.value } : undefined);
      if (end.type === "COMPLETED") {
        const reference = await persistValue(this.host, definition.options, { key: run.id, value: end.value });
        if (reference !== undefined) details = { ...details, data: reference };
      }
    } catch (error) {
      call.assigned?.bodyEnded();
      end = { type: "FAILED", name: "Failed", message: asError(error).message, error: asError(error) };
      details = { message: end.message };
    }
    // An inline subflow that nobody has heard of was decided here alone; it is as durable as the parent that goes on in this process.
    const decidedHere = call.parent !== null && run.unannounced;
    this.transition(end.type, end.name, details);
    const level = end.type === "COMPLETED" ? LOG_LEVELS.info : LOG_LEVELS.error;
    const story = end.type === "FAILED" ? `\n${end.error.stack ?? end.error.message}` : "";
    this.log(
      level,
      `Finished in state ${end.name}(${end.message === null ? "" : JSON.stringify(end.message)})${story}`,
    );
    const answer: Answer = decidedHere ? { kind: "agreed" } : await propose(this.host, run);
    if (answer.kind === "later") {
      this.log(
        LOG_LEVELS.info,
        `The server lets the run be tried again in ${answer.delayMs / 1000} s: ${answer.reason}`,
      );
      return { againInMs: answer.delayMs };
    }
    const outcome = await this.judged(end, answer);
    await this.runFinalHooks(outcome);
    if (call.parent === null && call.assigned === undefined) await this.host.tracker.flush();
    return outcome;
  }

  /** The outcome of the final state, which is the store's where somebody else has moved the run meanwhile. */
  private async judged(end: ReturnedEnd, answer: Answer): Promise<Outcome> {
    const { run, call } = this;
    if (answer.kind === "moved" && answer.state.type === "CANCELLING") return this.cancelledThere(answer.state);
    const outcome = outcomeOf(run, end, answer);
    if (outcome.type === "COMPLETED") {
      const finished = { runId: run.id, value: outcome.data };
      noteOrigin(finished.value, { input_type: "flow_run", id: run.id });
      if (call.parent !== null && this.child !== undefined) await this.remember(call.parent, this.child, finished);
    }
    return outcome;
  }

  /** Keeps the finished run for a later attempt of its parent, unless a transaction around it undoes what it did. */
  private async remember(parent: FlowScope, child: ChildIdentity, finished: FinishedChild): Promise<void> {
    const identity = { childKey: this.definition.taskKey, child };
    rememberChild(parent, identity, finished);
    const transaction = currentTransaction();
    if (transaction === undefined || parent.finished === null) return;
    await stageTask(transaction, {
      name: this.run.name,
      onRolledBack: () => forgetChild(parent, identity, finished.runId),
    });
  }

  /** The outcome of a run that somebody else has ended, or is about to end, before its body could start. */
  private async endedElsewhere(answer: Answer & { readonly kind: "moved" }): Promise<Outcome> {
    const { run, call } = this;
    call.assigned?.bodyEnded();
    const reason = new SluiceError("SLUICE_RUN_REFUSED", `Flow run "${run.name}" may not start: ${answer.reason}`);
    const end: ReturnedEnd = { type: "FAILED", name: "Failed", message: reason.message, error: reason };
    const outcome = await this.judged(end, answer);
    await this.runFinalHooks(outcome);
    return outcome;
  }

  private async cancelledThere({ message }: { readonly message: string | null }): Promise<Outcome> {
    const reason = cancelledError(message ?? undefined);
    this.transition("CANCELLED", "Cancelled", { message: reason.message });
    await propose(this.host, this.run);
    return outcomeOf(this.run, cancelledEnd(reason), { kind: "agreed" });
  }

  private async runFinalHooks(outcome: Outcome): Promise<void> {
    const hooks = finalHooks(this.definition.options, outcome.type);
    if (hooks === undefined) return;
    this.final = outcome;
    await runHooks(hooks, this, this.frame ?? new Frame(this.run, this.scope ?? this.openScope()));
  }

  private transition(type: State<unknown>["type"], name: string, details?: TransitionDetails): void {
    this.run.transition(this.host.clock.nowUs(), type, name, details);
    this.host.tracker.changed(this.run);
  }

  private log(level: number, message: string): void {
    logLine(this.frame ?? new Frame(this.run, this.scope ?? this.openScope()), level, message);
  }
}
