import type { TaskRunIdentity, TransitionRecord } from "../../wire/run-record.ts";
import type { StateType } from "../../wire/state-types.ts";
import { isFinalStateType } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type { TakenTransition } from "./open-flow-run.ts";

/** An event as a Prefect server takes it, over its websocket or by `POST /events`. */
export interface PrefectEvent {
  readonly id: string;
  /** ISO 8601 in UTC with microseconds. */
  readonly occurred: string;
  readonly event: string;
  /** Id of the event before it, about the same resource. */
  readonly follows: string | null;
  readonly resource: Readonly<Record<string, string>>;
  readonly related: readonly Readonly<Record<string, string>>[];
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The flow run that a task run belongs to, as far as it is known. */
export interface SurroundingFlowRun {
  readonly id: string;
  readonly name?: string;
  readonly flowId?: string;
  readonly flowName?: string | undefined;
  readonly runCount: number;
}

/** A task run as it has been told to the server so far. */
export interface ReportedTaskRun {
  readonly id: string;
  readonly identity: TaskRunIdentity;
  /** That of the identity, or one of its own for a later attempt of the flow run. */
  readonly dynamicKey: string;
  readonly flowRun: SurroundingFlowRun | undefined;
  readonly taken: TakenTransition[];
  lastEventId: string | null;
  lastState: Readonly<Record<string, unknown>> | null;
  lastType: StateType | null;
  runCount: number;
  startUs: number | undefined;
  /** Microseconds spent RUNNING, and since when it is RUNNING now. */
  ranUs: number;
  runningSinceUs: number | undefined;
}

/** Prefect's own limit. */
const MAX_MESSAGE_CHARS = 100_000;
/** A server takes 100 related resources by default; the flow run and the flow are two of them. */
const MAX_TAGS = 90;

/**
 * Makes the event by which a Prefect server hears of a task run's transition, and moves `run` on to it.
 *
 * The server's task run and its state are made of this event: the state's id is the event's.
 */
export function taskRunEvent(run: ReportedTaskRun, transition: TransitionRecord, eventId: string): PrefectEvent {
  const [type, name, timestampUs, message, data, details] = transition;
  const occurred = microsToIso(timestampUs);
  const text = message === undefined || message === null ? null : message.slice(0, MAX_MESSAGE_CHARS);
  moveOn(run, type, timestampUs);
  const state = { type, name, message: text, state_details: details ?? {} };
  const event: PrefectEvent = {
    id: eventId,
    occurred,
    event: `prefect.task-run.${name}`,
    follows: run.lastEventId,
    resource: {
      "prefect.resource.id": `prefect.task-run.${run.id}`,
      "prefect.resource.name": run.identity.name,
      "prefect.run-count": String(run.runCount),
      "prefect.state-message": text ?? "",
      "prefect.state-name": name,
      "prefect.state-timestamp": occurred,
      "prefect.state-type": type,
      "prefect.orchestration": "client",
    },
    related: relatedOf(run),
    payload: {
      intended: { from: run.lastType, to: type },
      initial_state: run.lastState,
      validated_state: { ...state, data: data ?? null },
      task_run: taskRunOf(run, type, timestampUs),
    },
  };
  run.lastEventId = eventId;
  run.lastState = state;
  run.lastType = type;
  run.taken.push({ type, timestampUs });
  return event;
}

function moveOn(run: ReportedTaskRun, type: StateType, timestampUs: number): void {
  if (run.runningSinceUs !== undefined) {
    run.ranUs += timestampUs - run.runningSinceUs;
    run.runningSinceUs = undefined;
  }
  if (type !== "RUNNING") return;
  run.runCount++;
  run.startUs ??= timestampUs;
  run.runningSinceUs = timestampUs;
}

function taskRunOf(run: ReportedTaskRun, type: StateType, timestampUs: number): Readonly<Record<string, unknown>> {
  const { identity, startUs, flowRun } = run;
  const createdUs = run.taken[0]?.timestampUs ?? timestampUs;
  return {
    name: identity.name,
    task_key: identity.task_key,
    dynamic_key: run.dynamicKey,
    empirical_policy: identity.empirical_policy ?? {},
    tags: identity.tags ?? [],
    labels: {},
    task_inputs: identity.task_inputs ?? {},
    ...(identity.cache_key !== undefined && { cache_key: identity.cache_key }),
    ...(identity.task_version !== undefined && { task_version: identity.task_version }),
    run_count: run.runCount,
    flow_run_run_count: flowRun?.runCount ?? 0,
    expected_start_time: microsToIso(createdUs),
    ...(startUs !== undefined && { start_time: microsToIso(startUs) }),
    ...(isFinalStateType(type) && { end_time: microsToIso(timestampUs) }),
    total_run_time: run.ranUs / 1e6,
  };
}

function relatedOf({ identity, flowRun }: ReportedTaskRun): Readonly<Record<string, string>>[] {
  const related = (identity.tags ?? [])
    .slice(0, MAX_TAGS)
    .map((tag) => ({ "prefect.resource.id": `prefect.tag.${tag}`, "prefect.resource.role": "tag" }));
  return flowRun === undefined ? related : [...related, ...surroundings(flowRun)];
}

/** A flow run and its flow, as resources that an event is related to. */
function surroundings({ id, name, flowId, flowName }: SurroundingFlowRun): Readonly<Record<string, string>>[] {
  const flowRun = resource(`prefect.flow-run.${id}`, "flow-run", name);
  return flowId === undefined ? [flowRun] : [flowRun, resource(`prefect.flow.${flowId}`, "flow", flowName)];
}

/** A related resource. */
export function resource(id: string, role: string, name: string | undefined): Readonly<Record<string, string>> {
  const base = { "prefect.resource.id": id, "prefect.resource.role": role };
  return name === undefined ? base : { ...base, "prefect.resource.name": name };
}
