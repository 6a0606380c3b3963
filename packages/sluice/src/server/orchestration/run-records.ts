/**
 * Takes the engine's records: `POST /api/sluice/run-records`, see `wire/run-record.ts`.
 *
 * A run's record says after how many stored transitions it comes (`base`). Cases, in the order they are looked for:
 *   new          No run of this id: stored as sent. The hot path; needs `run`, else ABORT.
 *   repeated     All its transitions are stored already (same type and time): nothing changes. So a batch may be delivered any number of times.
 *   continuing   `base` is what is stored, or the stored ones after it are the record's own first ones: the rest is appended as sent, unless
 *                the record proposes.
 *   diverged     Somebody else moved the run meanwhile (a cancel, a lease that ended), or base is "latest": each transition is judged. A run that
 *                is final stays so: whoever still reports it has lost it (a process that was given up and wakes again is fenced off here).
 *
 * Invariants: 1. a batch is one transaction; 2. a verdict is sent whenever the next base is not base + transitions; 3. a record never changes the
 * identity of a run.
 */
import { addTransition, noTotals, type RunTotals } from "../../rules/run-totals.ts";
import type { Decision } from "../../rules/policies/decision.ts";
import { runState } from "../../rules/run-state.ts";
import type {
  FlowRunIdentity,
  FlowRunRecord,
  RecordVerdict,
  RunRecordBatch,
  RunRecordReply,
  TaskRunIdentity,
  TaskRunRecord,
  TransitionRecord,
} from "../../wire/run-record.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { NewHistory } from "../db/run-columns.ts";
import type { NewTaskRun, TaskRunRow } from "../db/task-run-table.ts";
import {
  decodeTransitions,
  encodeTransitions,
  stateOf,
  transitionOf,
  type StoredTransition,
} from "../db/transitions.ts";
import { tellFlow } from "../events/object-events.ts";
import { appendFlowRunEvents } from "./flow-run-events.ts";
import { moveFlowRun, type Deciding } from "./set-flow-run-state.ts";
import { appendToFlowRun, appendToTaskRun } from "./run-history.ts";

/**
 * Stores a batch. Runs inside a write of the store.
 *
 * @returns verdicts on the records that were not simply stored as sent
 */
export function takeRunRecords(core: Deciding, batch: RunRecordBatch): RunRecordReply {
  const { store, events, processes, settings } = core;
  const reporter = { store, events, processes, settings, processId: batch.process_id };
  const verdicts: RecordVerdict[] = [];
  for (const record of batch.records) {
    const answer = record.kind === "task" ? takeTaskRecord(reporter, record) : takeFlowRecord(reporter, record);
    if (answer) verdicts.push(answer);
  }
  store.taskGroups.flush();
  return { verdicts };
}

/** Who reports, to which store. */
interface Reporter extends Deciding {
  readonly processId: string;
}

function takeTaskRecord(reporter: Reporter, record: TaskRunRecord): RecordVerdict | undefined {
  const { store } = reporter;
  if (record.run && (record.base === 0 || record.base === "latest") && insertTask(reporter, record, record.run)) {
    return record.base === "latest"
      ? accepted(record.id, record.transitions.length, record.transitions.at(-1))
      : undefined;
  }
  const known = store.taskRuns.byId(record.id);
  if (!known) return unknownRun(record);
  let row = known;
  return takeContinuation(record, row, {
    append: (transitions) => appendToTaskRun(reporter, row, transitions),
    judge: (transition) => {
      row = appendToTaskRun(reporter, row, [transition]);
      return { kind: "accept", transition };
    },
  });
}

function insertTask({ store, processId }: Reporter, record: TaskRunRecord, identity: TaskRunIdentity): boolean {
  const { transitions } = record;
  const history = historyOf(transitions);
  const { totals } = history;
  const run: NewTaskRun = {
    id: record.id,
    flowRunId: identity.flow_run_id,
    name: identity.name,
    taskKey: identity.task_key,
    dynamicKey: identity.dynamic_key,
    childFlowRunId: null,
    processId: totals.endUs === null ? processId : null,
    details: detailsOf(identity),
    createdUs: transitions[0]?.[2] ?? store.nowUs(),
  };
  const isNew = store.taskRuns.insert(run, history);
  if (isNew && identity.flow_run_id !== null) {
    const { flow_run_id, task_key } = identity;
    store.taskGroups.add(
      {
        flow_run_id,
        task_key,
        state_type: totals.stateType,
        start_time: totals.startUs,
        end_time: totals.endUs,
        total_run_time: totals.totalRunTimeUs,
      },
      1,
    );
  }
  return isNew;
}

function totalsOfRecord(transitions: readonly TransitionRecord[]): RunTotals {
  const totals = noTotals();
  for (const transition of transitions) addTransition(totals, transition);
  return totals;
}

/** What is kept of a task run's identity beside its columns, as JSON; null when it is all empty. */
function detailsOf(identity: TaskRunIdentity): string | null {
  const { tags, task_inputs, cache_key, task_version, empirical_policy } = identity;
  const hasTags = tags !== undefined && tags.length > 0;
  if (
    !hasTags &&
    task_inputs === undefined &&
    cache_key === undefined &&
    task_version === undefined &&
    empirical_policy === undefined
  )
    return null;
  return JSON.stringify({ tags: hasTags ? tags : undefined, task_inputs, cache_key, task_version, empirical_policy });
}

function takeFlowRecord(reporter: Reporter, record: FlowRunRecord): RecordVerdict | undefined {
  const { store } = reporter;
  if (record.run && (record.base === 0 || record.base === "latest") && insertFlowRun(reporter, record, record.run)) {
    return record.base === "latest"
      ? accepted(record.id, record.transitions.length, record.transitions.at(-1))
      : undefined;
  }
  const known = store.flowRuns.byId(record.id);
  if (!known) return unknownRun(record);
  let row = known;
  return takeContinuation(record, row, {
    append: (transitions) => (row = appendToFlowRun(reporter, row, { transitions })),
    judge: (transition, last) => {
      const judged = judgeFlow(reporter, { row, record }, { transition, last });
      row = judged.row;
      return judged.judgement;
    },
  });
}

function insertFlowRun(reporter: Reporter, record: FlowRunRecord, identity: FlowRunIdentity): boolean {
  const { id } = record;
  const history = historyOf(record.transitions);
  const { store, processId } = reporter;
  const parent = identity.parent_task_run;
  const run = {
    id,
    flow_id: store.flows.ensure(identity.flow_name, (flow) => tellFlow(reporter.events, "created", flow)),
    name: identity.name,
    parent_task_run_id: parent?.id ?? null,
    parent_flow_run_id: parent?.flow_run_id ?? null,
    process_id: processId,
    deployment_id: identity.deployment_id ?? null,
    idempotency_key: identity.idempotency_key ?? null,
    flow_version: identity.flow_version ?? null,
    parameters: JSON.stringify(identity.parameters),
    tags: JSON.stringify(identity.tags ?? []),
    labels: JSON.stringify(identity.labels ?? {}),
    empirical_policy: JSON.stringify(identity.empirical_policy ?? {}),
    entrypoint: identity.entrypoint ?? null,
  };
  if (!store.flowRuns.insertReported(run, history)) return false;
  const isNew = parent !== undefined && insertTracking(reporter, record, { parent, history });
  const { flow_id, name, tags, deployment_id, parent_task_run_id } = run;
  const told = { id, name, tags, flow_id, deployment_id, work_queue_id: null, parent_task_run_id, created_by: null };
  appendFlowRunEvents(reporter, told, {
    before: [],
    added: record.transitions,
    runCounts: runCountsOf(record),
    parent: isNew ? { id: parent.id, name: parent.name, tags: JSON.stringify(parent.tags ?? []) } : null,
  });
  return true;
}

type TrackingTaskRun = NonNullable<FlowRunIdentity["parent_task_run"]>;

/** @returns false when the task run was there already */
function insertTracking(
  reporter: Reporter,
  record: FlowRunRecord,
  { parent, history }: { readonly parent: TrackingTaskRun; readonly history: NewHistory },
): boolean {
  const { store, processId } = reporter;
  const run: NewTaskRun = {
    id: parent.id,
    flowRunId: parent.flow_run_id,
    name: parent.name,
    taskKey: parent.task_key,
    dynamicKey: parent.dynamic_key,
    childFlowRunId: record.id,
    processId,
    details: detailsOf(parent),
    createdUs: record.transitions[0]?.[2] ?? store.nowUs(),
  };
  if (store.taskRuns.insert(run, history)) return true;
  const known = store.taskRuns.byId(parent.id);
  if (!known) return false;
  store.taskGroups.add(known, -1);
  store.taskRuns.linkChild(parent.id, record.id);
  appendToTaskRun(reporter, { ...known, child_flow_run_id: record.id }, record.transitions);
  return false;
}

/** How often the run had entered RUNNING after each transition of a record that brings a new run. */
function runCountsOf({ transitions }: FlowRunRecord): number[] {
  let count = 0;
  return transitions.map(([type]) => (type === "RUNNING" ? ++count : count));
}

function historyOf(transitions: readonly TransitionRecord[]): NewHistory {
  return {
    stateName: transitions.at(-1)?.[1] ?? null,
    transitions: encodeTransitions(transitions),
    totals: totalsOfRecord(transitions),
  };
}

interface Continuation {
  readonly append: (transitions: readonly StoredTransition[]) => unknown;
  /** Judges a transition and writes what comes of it. */
  readonly judge: (transition: TransitionRecord, last: StoredTransition | undefined) => Judgement;
}

type Judgement =
  | { readonly kind: "accept"; readonly transition: StoredTransition }
  | { readonly kind: "reject"; readonly transition: StoredTransition | null; readonly reason: string }
  | { readonly kind: "abort"; readonly reason: string };

function takeContinuation(
  record: TaskRunRecord | FlowRunRecord,
  row: FlowRunRow | TaskRunRow,
  run: Continuation,
): RecordVerdict | undefined {
  const stored = decodeTransitions(row.transitions);
  const { base, transitions } = record;
  if (base !== "latest") {
    const overlap = stored.slice(base);
    const common = Math.min(overlap.length, transitions.length);
    const isOwn = overlap.slice(0, common).every((transition, index) => isSame(transition, transitions[index]));
    const rest = transitions.slice(common);
    if (isOwn && rest.length === 0) return undefined;
    if (isOwn && base <= stored.length && !record.propose) {
      // The other side of the run may have told of them meanwhile.
      const added = rest.filter((transition) => !stored.some((known) => isSame(known, transition)));
      if (added.length > 0) run.append(added);
      if (added.length === rest.length) return undefined;
      return accepted(record.id, stored.length + added.length, added.at(-1) ?? stored.at(-1));
    }
  }
  const fresh = transitions.filter((transition) => !stored.some((known) => isSame(known, transition)));
  const expected = base === "latest" ? -1 : base + transitions.length;
  let last = stored.at(-1);
  let count = stored.length;
  for (const transition of fresh) {
    const judgement = judgeOpen(last) ?? run.judge(transition, last);
    const written = judgement.kind === "abort" ? null : judgement.transition;
    if (written) {
      last = written;
      count++;
    }
    if (judgement.kind !== "accept")
      return verdict(record.id, judgement.kind === "abort" ? "ABORT" : "REJECT", {
        reason: judgement.reason,
        count,
        last,
      });
  }
  return count === expected ? undefined : accepted(record.id, count, last);
}

function judgeOpen(last: StoredTransition | undefined): Judgement | undefined {
  if (last === undefined || !isFinalStateType(last[0])) return undefined;
  return {
    kind: "reject",
    transition: null,
    reason: `This run is already ${last[0]}${last[3] ? `: ${last[3]}` : "."}`,
  };
}

function judgeFlow(
  core: Deciding,
  { row, record }: { readonly row: FlowRunRow; readonly record: FlowRunRecord },
  { transition, last }: { readonly transition: TransitionRecord; readonly last: StoredTransition | undefined },
): { readonly judgement: Judgement; readonly row: FlowRunRow } {
  const [type, name, timestampUs, message = null, data = null, details] = transition;
  const proposed = runState(type, timestampUs, { name, message, data, details: details ?? {} });
  // The engine retries by itself: only a run that proposes leaves that to the rules.
  const isRetried = record.propose === true;
  const initial = last ? stateOf(last) : null;
  const judged = { initial, proposed, nowUs: core.store.nowUs(), isReported: true, isRetried };
  const { decision, row: after } = moveFlowRun(core, row, judged);
  return { judgement: judgementOf(decision), row: after };
}

function judgementOf(decision: Decision<unknown>): Judgement {
  if (decision.kind === "accept") return { kind: "accept", transition: transitionOf(decision.state) };
  if (decision.kind === "abort") return decision;
  const { reason } = decision;
  const written = decision.kind === "reject" ? decision.state : null;
  return { kind: "reject", transition: written && transitionOf(written), reason };
}

function isSame(stored: StoredTransition, sent: TransitionRecord | undefined): boolean {
  return sent !== undefined && stored[0] === sent[0] && stored[2] === sent[2];
}

function accepted(id: string, count: number, last: StoredTransition | undefined): RecordVerdict {
  return verdict(id, "ACCEPT", { reason: "", count, last });
}

function unknownRun(record: TaskRunRecord | FlowRunRecord): RecordVerdict {
  return verdict(record.id, "ABORT", {
    reason: `This run is not stored and the record does not say what it is (base ${record.base}).`,
    count: 0,
    last: undefined,
  });
}

function verdict(
  id: string,
  status: RecordVerdict["status"],
  rest: { readonly reason: string; readonly count: number; readonly last: StoredTransition | undefined },
): RecordVerdict {
  const [type, name, , message] = rest.last ?? ["PENDING", "Pending", 0, null];
  return {
    id,
    status,
    reason: rest.reason,
    transition_count: rest.count,
    state: { type, name, message: message ?? null },
  };
}
