import type {
  FlowRunIdentity,
  RecordVerdict,
  ResultReference,
  RunRecord,
  TaskRunIdentity,
  TransitionRecord,
} from "../wire/run-record.ts";
import { isFinalStateType, type StateType } from "../wire/state-types.ts";
import type { TrackedRun } from "./ports.ts";

/** What a transition says beyond its type and name. */
export interface TransitionDetails {
  readonly message?: string | null;
  readonly data?: ResultReference | null;
  readonly details?: Readonly<Record<string, unknown>> | null;
}

/**
 * One run as the engine drives it: where it stands, and the transitions that the store has not been told of.
 *
 * Transitions are appended here first and taken by the tracker in order. `handedOut` counts those taken, so each record says after how many
 * it comes. A verdict (somebody cancelled the run meanwhile) replaces the state and the count by what the store holds.
 */
abstract class Run implements TrackedRun {
  abstract readonly kind: "flow" | "task";
  /** In the tracker's list of open runs. */
  openAt = -1;
  /** Replaced once, when the run is first reported to a store that chooses ids itself. */
  id: string;
  /** May be replaced until the run is first reported, by a name made from its resolved arguments. */
  name: string;
  stateType: StateType = "PENDING";
  stateName = "Pending";
  stateMessage: string | null = null;
  stateTimestampUs = 0;
  runCount = 0;
  /** A verdict of the store that the engine has not looked at yet. */
  verdict: RecordVerdict | undefined;
  /** True while the store is asked to judge what the run reports, also one that only records. */
  proposes = false;
  private handedOut: number | "latest" = 0;
  private fresh: TransitionRecord[] = [];

  constructor(id: string, name: string) {
    this.id = id;
    this.name = name;
  }

  get isFinal(): boolean {
    return isFinalStateType(this.stateType);
  }

  get unannounced(): boolean {
    return this.handedOut === 0;
  }

  /** Reports from now on "after whatever is stored": for a run whose earlier transitions another process may have reported. */
  reportAfterLatest(): void {
    this.handedOut = "latest";
  }

  /** Moves the run to a state; the timestamp is `nowUs`, moved on where it would not be later than the last one. */
  // oxlint-disable-next-line max-params -- the hot path of every run: no object is made for three words
  transition(nowUs: number, type: StateType, name: string, details?: TransitionDetails): void {
    const timestampUs = nowUs > this.stateTimestampUs ? nowUs : this.stateTimestampUs + 1;
    this.stateType = type;
    this.stateName = name;
    this.stateTimestampUs = timestampUs;
    this.stateMessage = details?.message ?? null;
    if (type === "RUNNING") this.runCount++;
    if (details === undefined) this.fresh.push([type, name, timestampUs]);
    else if (details.details)
      this.fresh.push([type, name, timestampUs, details.message ?? null, details.data ?? null, details.details]);
    else if (details.data) this.fresh.push([type, name, timestampUs, details.message ?? null, details.data]);
    else this.fresh.push([type, name, timestampUs, details.message ?? null]);
  }

  /** Notes where the run stands elsewhere, for whoever looks here; nothing is reported. */
  observe(type: StateType, name: string, nowUs: number): void {
    this.stateType = type;
    this.stateName = name;
    this.stateTimestampUs = Math.max(nowUs, this.stateTimestampUs);
  }

  /** Forgets transitions that were not taken yet, because another process has reported them. */
  dropUnreported(): void {
    this.fresh = [];
  }

  /** Takes over what another process has made of this run and left to be reported here. What both know is reported once. */
  takeOver(record: RunRecord): void {
    const known = record.base === "latest" || this.handedOut === "latest" ? 0 : this.handedOut;
    if (record.base === "latest") this.handedOut = "latest";
    this.fresh = record.transitions.slice(known);
    const last = record.transitions.at(-1);
    if (last === undefined) return;
    const [type, name, timestampUs, message] = last;
    this.stateType = type;
    this.stateName = name;
    this.stateTimestampUs = timestampUs;
    this.stateMessage = message ?? null;
  }

  takeRecord(): RunRecord | undefined {
    const transitions = this.fresh;
    if (transitions.length === 0) return undefined;
    const base = this.handedOut;
    this.fresh = [];
    if (base !== "latest") this.handedOut = base + transitions.length;
    const record = this.record(base, transitions, base === 0 || base === "latest");
    // Whoever waits for the store's verdict keeps the run, and must not keep all that drove it.
    if (base === 0 && this.isFinal) this.forgetSource();
    return this.proposes ? { ...record, propose: true } : record;
  }

  onVerdict(verdict: RecordVerdict): void {
    this.handedOut = verdict.transition_count;
    if (verdict.run_id !== undefined) this.id = verdict.run_id;
    if (verdict.status === "ACCEPT") return;
    this.verdict = verdict;
    this.stateType = verdict.state.type;
    this.stateName = verdict.state.name;
    this.stateMessage = verdict.state.message;
  }

  /** Lets go of whoever gives the parts that do not change: they are not asked for again. */
  protected abstract forgetSource(): void;

  protected abstract record(base: number | "latest", transitions: TransitionRecord[], whole: boolean): RunRecord;
}

/** Gives the parts of a run that do not change; asked when the run is first reported. */
export interface IdentitySource<Identity> {
  identity(): Identity;
}

const UNIDENTIFIED: IdentitySource<never> = {
  identity: () => {
    throw new Error("A run was reported before its identity was set, or whole once more after its end.");
  },
};

/** A task run. */
export class TaskRun extends Run {
  readonly kind = "task";
  /** Set by whoever drives the run, before it is first reported. */
  source: IdentitySource<TaskRunIdentity> = UNIDENTIFIED;

  protected forgetSource(): void {
    this.source = UNIDENTIFIED;
  }

  protected record(base: number | "latest", transitions: TransitionRecord[], whole: boolean): RunRecord {
    if (!whole) return { kind: "task", id: this.id, base, transitions };
    return { kind: "task", id: this.id, base, transitions, run: this.source.identity() };
  }
}

/** A flow run; see {@link TaskRun}. */
export class FlowRun extends Run {
  readonly kind = "flow";
  /** Set by whoever drives the run, before it is first reported. */
  source: IdentitySource<FlowRunIdentity> = UNIDENTIFIED;

  protected forgetSource(): void {
    this.source = UNIDENTIFIED;
  }

  protected record(base: number | "latest", transitions: TransitionRecord[], whole: boolean): RunRecord {
    if (!whole) return { kind: "flow", id: this.id, base, transitions };
    return { kind: "flow", id: this.id, base, transitions, run: this.source.identity() };
  }
}
