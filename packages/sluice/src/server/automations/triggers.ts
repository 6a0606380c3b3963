/** Triggers as automations keep them: whole, with ids, their times in seconds. */
import type { AutomationCreate } from "../../wire/contract/shapes.ts";
import type { EventTrigger } from "../../rules/triggers/count-events.ts";
import { readDuration } from "../../rules/schedules/interval-dates.ts";
import { InvalidRequest } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import { valueFault } from "../request/faults.ts";

/** Fires when enough of its triggers have fired. */
export interface CompoundTrigger {
  readonly id: string;
  readonly type: "compound";
  readonly triggers: readonly Trigger[];
  readonly within: number | null;
  readonly require: number | "any" | "all";
}

/** Fires when its triggers have fired one after the other. */
export interface SequenceTrigger {
  readonly id: string;
  readonly type: "sequence";
  readonly triggers: readonly Trigger[];
  readonly within: number | null;
}

/** Any trigger. */
export type Trigger = EventTrigger | CompoundTrigger | SequenceTrigger;

type GivenTrigger = AutomationCreate["trigger"];

/** Least time of a proactive trigger, and its default. */
const LEAST_PROACTIVE_SECONDS = 10;

/** Makes a trigger whole; every one gets a new id, whatever the client gave. @throws InvalidRequest for what no schema says */
export function wholeTrigger(
  given: GivenTrigger,
  { body, nowUs }: { readonly body: unknown; readonly nowUs: number },
): Trigger {
  const id = newId(nowUs);
  if ("posture" in given) {
    const { posture, match = {}, match_related: related = {} } = given;
    const within = withinOf(given.within, posture === "Proactive" ? LEAST_PROACTIVE_SECONDS : 0);
    const seconds = posture === "Proactive" && within === 0 ? LEAST_PROACTIVE_SECONDS : within;
    if (posture === "Proactive" && seconds < LEAST_PROACTIVE_SECONDS)
      throw fault("`within` for Proactive triggers must be greater than or equal to 10 seconds", given, body);
    if (seconds < 0) throw fault("`within` must be greater than or equal to 0 seconds", given, body);
    return {
      type: "event",
      id,
      match,
      match_related: related,
      after: [...new Set(given.after ?? [])],
      expect: [...new Set(given.expect ?? [])],
      for_each: [...new Set(given.for_each ?? [])],
      posture,
      threshold: given.threshold ?? 1,
      within: seconds,
    };
  }
  const triggers = given.triggers.map((one) => wholeTrigger(one, { body, nowUs }));
  const within = given.within === null ? null : withinOf(given.within, 0);
  if (!("require" in given)) return { type: "sequence", id, triggers, within };
  const { require: needed } = given;
  if (typeof needed === "number" && needed < 1) throw fault("require must be at least 1", given, body);
  if (typeof needed === "number" && needed > triggers.length)
    throw fault("require must be less than or equal to the number of triggers", given, body);
  return { type: "compound", id, triggers, within, require: needed };
}

function withinOf(given: unknown, otherwise: number): number {
  return given === undefined ? otherwise : readDuration(given);
}

function fault(reason: string, given: GivenTrigger, body: unknown): InvalidRequest {
  return new InvalidRequest([valueFault(["body", "trigger"], reason, given)], body);
}

/** All event triggers, each with those that it is part of, the innermost first. */
export function eventTriggersOf(
  trigger: Trigger,
  parents: readonly (CompoundTrigger | SequenceTrigger)[] = [],
): { readonly trigger: EventTrigger; readonly parents: readonly (CompoundTrigger | SequenceTrigger)[] }[] {
  if (trigger.type === "event") return [{ trigger, parents }];
  return trigger.triggers.flatMap((one) => eventTriggersOf(one, [trigger, ...parents]));
}

/** How many of its triggers must have fired. */
export function neededFirings(trigger: CompoundTrigger | SequenceTrigger): number {
  if (trigger.type === "sequence" || trigger.require === "all") return trigger.triggers.length;
  return trigger.require === "any" ? 1 : trigger.require;
}
