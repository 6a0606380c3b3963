import { AsyncLocalStorage } from "node:async_hooks";
import { SluiceError } from "../../wire/errors.ts";
import { OpenList, type Openable } from "../../client/open-list.ts";
import type { EngineHost } from "../host.ts";
import { KeyCounter } from "./key-counter.ts";
import type { FlowRun, TaskRun } from "../run.ts";
import type { TaskRunner } from "../task-runner.ts";
import type { RemoteValue } from "../values/remote-value.ts";
import type { SlotWaits } from "./slot-waits.ts";

/**
 * The running body that code finds itself in, kept by AsyncLocalStorage.
 *
 * A frame belongs to one attempt's body of one run. Frames of a flow run and of the tasks inside it share the flow run's {@link FlowScope}.
 */
export class Frame {
  readonly run: FlowRun | TaskRun;
  readonly scope: FlowScope;
  /** Why the run was asked to stop, once it was. */
  cancelReason: Error | undefined;
  readonly logPrints: boolean;
  readonly tags: readonly string[];
  /** How often the body has paused its run. */
  pauses = 0;
  /** True when the store has ended the run, or will whatever is reported: there is no other attempt. */
  isEndedThere = false;
  /** The attempt of the flow run that this body belongs to; undefined for that attempt itself, and outside flows. */
  private readonly attempt: Frame | undefined;
  private isOver = false;
  /** Runs that the body of a task has started and that have not ended; those of a flow are in its scope. */
  private started: Set<Cancellable> | undefined;
  private controller: AbortController | undefined;

  /** @param own what a task has of its own beside what its flow run gives */
  constructor(run: FlowRun | TaskRun, scope: FlowScope, own: Partial<Pick<Frame, "logPrints" | "tags">> = {}) {
    this.run = run;
    this.scope = scope;
    this.logPrints = own.logPrints ?? scope.logPrints;
    this.tags = own.tags ?? scope.tags;
    this.attempt = run.kind === "flow" ? undefined : scope.frame;
  }

  /** Aborted when this run, or the flow run it belongs to, is asked to stop. Made at the first look. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cancelReason !== undefined) this.controller.abort(this.cancelReason);
    }
    return this.controller.signal;
  }

  /** Asks this run and everything below it to stop. A second call changes nothing. */
  cancel(reason: Error): void {
    if (this.cancelReason !== undefined) return;
    this.cancelReason = reason;
    this.controller?.abort(reason);
    const below = this.scope.frame === this ? this.scope.open : (this.started ?? []);
    for (const child of below) child.cancel(reason);
  }

  /** Notes a run that this task's body has started: it is asked to stop when the task is. */
  childOpened(child: Cancellable): void {
    (this.started ??= new Set()).add(child);
  }

  childEnded(child: Cancellable): void {
    this.started?.delete(child);
  }

  /** Ends the attempt: code that it left behind can start nothing more, least of all in the next attempt. */
  close(): void {
    this.isOver = true;
  }

  /**
   * Throws where the calling body may start nothing more: what each call of the SDK in it does first.
   *
   * @throws the cancellation error when the run was asked to stop; SluiceError SLUICE_RUN_OVER when its flow run, or that attempt of it, has ended
   */
  throwIfStopped(): void {
    const reason = this.cancelReason ?? this.attempt?.cancelReason;
    if (reason !== undefined) throw reason;
    if (this.isOver || this.attempt?.isOver === true) {
      throw new SluiceError(
        "SLUICE_RUN_OVER",
        `Code of flow run "${this.scope.flowRun?.name ?? this.run.name}" called a flow or task after that attempt of the run had ended. ` +
          `Await all that the flow's function starts before it returns.`,
      );
    }
  }
}

/** Something that runs inside a flow run and can be asked to stop: a frame, or a run that a runner carries. */
export interface Cancellable {
  cancel(reason: Error): void;
}

/** A run that has not ended, as its parent knows it. */
export type OpenChild = Cancellable & Openable;

/** A child that an earlier attempt of the same flow run has finished. */
export interface FinishedChild {
  readonly runId: string;
  /** Its value, where this process has it. */
  readonly value?: unknown;
  /** Reads the value, where an earlier execution has kept it; undefined when it is there no more. */
  readonly stored?: () => Promise<{ readonly value: unknown } | undefined>;
}

const NOTHING_BEGUN: EarlierChildren["begun"] = new Map();

/** What earlier executions of a flow run have left of its children, by their identity. */
export interface EarlierChildren {
  readonly finished: Map<string, FinishedChild>;
  /** Ids of the runs of subflows that were called and have not finished. */
  readonly begun: ReadonlyMap<string, readonly string[]>;
}

/** What the children of a flow run inherit and are counted by. A task outside any flow has a scope without a flow run. */
export class FlowScope {
  readonly host: EngineHost;
  /** The scope of the flow run above, null at a root (also at the root of a worker). */
  readonly parent: FlowScope | null;
  readonly flowRun: Pick<FlowRun, "id" | "name"> | null;
  readonly flowName: string | null;
  readonly parameters: Readonly<Record<string, unknown>> | null;
  readonly tags: readonly string[];
  /** 0 at the root flow run, 1 in its subflows. */
  readonly depth: number;
  /** Where submitted children run; null is the event loop. */
  readonly taskRunner: TaskRunner | null;
  /** The frame of the flow run's body; undefined outside flows. */
  frame: Frame | undefined;
  /** Waits of this scope's bodies for carried runs, which give the slot of the executor back. Null where no slot is held. */
  readonly slotWaits: SlotWaits | null;
  /** Whether console output of bodies goes to their logs. */
  readonly logPrints: boolean;
  /** Whether a child whose result is kept is over only when the store knows it: another process may have to go on with this flow run. */
  readonly acknowledgesKept: boolean;
  /** Children that have not ended. */
  readonly open = new OpenList<OpenChild>();
  /** Finished children of earlier attempts by identity, null when this is the first. */
  journal: Map<string, FinishedChild> | null = null;
  /** Subflows that an earlier execution has called and not finished: see {@link EarlierChildren}. */
  begun: EarlierChildren["begun"] = NOTHING_BEGUN;
  /** Children finished in this attempt, kept only where a later attempt may adopt them. */
  readonly finished: Map<string, FinishedChild> | null;
  /** Large values of its children that are kept on a cluster until the flow run is over. */
  readonly remoteValues = new Set<RemoteValue>();
  private occurrences = new KeyCounter();
  private names = new Map<string, number>();
  private idle: (() => void) | undefined;

  constructor(parts: FlowScopeParts) {
    this.host = parts.host;
    this.parent = parts.parent;
    this.flowRun = parts.flowRun;
    this.flowName = parts.flowName;
    this.parameters = parts.parameters;
    this.tags = parts.tags;
    this.depth = parts.depth;
    this.taskRunner = parts.taskRunner;
    this.slotWaits = parts.slotWaits;
    this.logPrints = parts.logPrints;
    this.acknowledgesKept = parts.acknowledgesKept ?? false;
    this.finished = parts.keepFinished ? new Map() : null;
  }

  /** Starts counting afresh for another attempt, which adopts what the last one finished. */
  beginAttempt(): void {
    this.occurrences = new KeyCounter();
    this.names = new Map();
    if (this.finished !== null && this.finished.size > 0) {
      this.journal = new Map([...(this.journal ?? []), ...this.finished]);
    }
  }

  /** 0 for the first call with this identity, 1 for the next identical one. */
  occurrence(key: string): number {
    return this.occurrences.next(key);
  }

  /** Position among all calls of one task or subflow, for its run's name only. */
  nameIndex(taskKey: string): number {
    const index = this.names.get(taskKey) ?? 0;
    this.names.set(taskKey, index + 1);
    return index;
  }

  /** @param callerTask the task whose body has started the child, when one has */
  childOpened(child: OpenChild, callerTask?: Frame | null): void {
    this.open.add(child);
    callerTask?.childOpened(child);
    const reason = this.frame?.cancelReason;
    if (reason !== undefined) child.cancel(reason);
  }

  childEnded(child: OpenChild, callerTask?: Frame | null): void {
    this.open.delete(child);
    callerTask?.childEnded(child);
    if (this.open.size === 0) this.idle?.();
  }

  /** Lets go of what its children have left on a cluster. */
  releaseValues(): void {
    for (const value of this.remoteValues) value.release();
    this.remoteValues.clear();
  }

  /** Resolves when no child is open, and code that awaited one has had its turn to start another. */
  async childrenEnded(): Promise<void> {
    do {
      while (this.open.size > 0) {
        await new Promise<void>((resolve) => {
          this.idle = resolve;
        });
        this.idle = undefined;
      }
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.open.size > 0);
  }
}

export interface FlowScopeParts {
  readonly host: EngineHost;
  readonly parent: FlowScope | null;
  readonly flowRun: Pick<FlowRun, "id" | "name"> | null;
  readonly flowName: string | null;
  readonly parameters: Readonly<Record<string, unknown>> | null;
  readonly tags: readonly string[];
  readonly depth: number;
  readonly taskRunner: TaskRunner | null;
  readonly slotWaits: SlotWaits | null;
  readonly logPrints: boolean;
  /** Whether a later attempt of the flow run may adopt what this one finishes. */
  readonly keepFinished: boolean;
  /** See {@link FlowScope.acknowledgesKept}; default false. */
  readonly acknowledgesKept?: boolean;
}

const SLOT = Symbol.for("sluice.frames");

interface FramesHolder {
  [SLOT]?: AsyncLocalStorage<Frame>;
}

/** The storage of frames, one for all copies of the package in the process. */
export const frames: AsyncLocalStorage<Frame> = ((globalThis as FramesHolder)[SLOT] ??= new AsyncLocalStorage<Frame>());

/** The frame of the code that calls, undefined outside runs. */
export function currentFrame(): Frame | undefined {
  return frames.getStore();
}

/** The frame of the code that calls. @throws SluiceError SLUICE_NO_RUN_CONTEXT outside runs */
export function requireFrame(what: string): Frame {
  const frame = frames.getStore();
  if (frame === undefined) {
    throw new SluiceError(
      "SLUICE_NO_RUN_CONTEXT",
      `${what} was called outside a run. Call it inside the body of a flow or task.`,
    );
  }
  return frame;
}
