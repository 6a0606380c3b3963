/** How an event trigger counts: one span of time at a time for each key, in which events are counted until there are enough, or were not. Pure. */
import { expectsEvent, startsAfter, type EventMatch, type TriggeringEvent } from "./event-match.ts";

/** What an event trigger says of numbers and times. */
export interface EventTrigger extends EventMatch {
  readonly id: string;
  readonly type: "event";
  readonly for_each: readonly string[];
  /** Reactive fires when enough has happened, proactive when it has not. */
  readonly posture: "Reactive" | "Proactive";
  readonly threshold: number;
  /** Seconds. */
  readonly within: number;
}

/** A span in which events are counted; microseconds. */
export interface Span {
  readonly startUs: number;
  readonly endUs: number;
  readonly count: number;
  readonly lastEvent: TriggeringEvent | null;
}

/** What comes of an event, or of the time: the span that is open now, and the event for which the trigger fires, null for one that never came. */
export interface Counted {
  readonly span: Span | null;
  readonly fired: readonly (TriggeringEvent | null)[];
}

/** Events that come late by no more than this count in the first span. */
const LOOKBACK_US = 15 * 60 * 1e6;

/** Counts an event that the trigger covers. @param open the span that is open for its key */
export function countEvent(
  trigger: EventTrigger,
  open: Span | null,
  { event, occurredUs }: { readonly event: TriggeringEvent; readonly occurredUs: number },
): Counted {
  const endUs = occurredUs + trigger.within * 1e6;
  const expects = expectsEvent(trigger, event.event);
  let span = open;
  if (trigger.after.length > 0) {
    // An event that both starts and counts does not count in the span that it starts.
    if (!span && startsAfter(trigger, event.event))
      span = { startUs: occurredUs, endUs, count: expects ? -1 : 0, lastEvent: event };
  } else if (!span && expects) span = { startUs: occurredUs - LOOKBACK_US, endUs, count: 0, lastEvent: event };
  if (!expects || !span) return { span, fired: [] };
  return evaluate(trigger, span, { nowUs: occurredUs, event });
}

/** Looks at a span when time has passed. */
export function passTime(trigger: EventTrigger, span: Span, nowUs: number): Counted {
  return evaluate(trigger, span, { nowUs, event: null });
}

function evaluate(
  trigger: EventTrigger,
  open: Span,
  { nowUs, event }: { readonly nowUs: number; readonly event: TriggeringEvent | null },
): Counted {
  if (nowUs < open.startUs) return { span: open, fired: [] };
  const isImmediate = trigger.posture === "Reactive" && trigger.within === 0;
  const isWithin = isImmediate || nowUs < open.endUs;
  const counts = event !== null && isWithin;
  const span = counts ? { ...open, count: open.count + 1, lastEvent: event } : open;
  const isReady = trigger.posture === "Reactive" || span.endUs <= nowUs;
  const isMet = trigger.posture === "Reactive" ? span.count >= trigger.threshold : span.count < trigger.threshold;
  const fires = isReady && isMet;
  if (!fires && nowUs < span.endUs) {
    const restarts =
      event !== null &&
      trigger.posture === "Proactive" &&
      !isMet &&
      startsAfter(trigger, event.event) &&
      expectsEvent(trigger, event.event);
    if (!restarts) return { span, fired: [] };
    return { span: { startUs: nowUs, endUs: nowUs + trigger.within * 1e6, count: 0, lastEvent: event }, fired: [] };
  }
  const fired = fires ? [event ?? span.lastEvent] : [];
  if (trigger.after.length > 0 || trigger.within === 0) return { span: null, fired };
  const startUs = Math.max(span.endUs, nowUs);
  const next = { startUs, endUs: startUs + trigger.within * 1e6, lastEvent: null };
  if (event === null || counts) return { span: { ...next, count: 0 }, fired };
  // The event belongs to the span that begins now.
  if (trigger.posture === "Proactive") return { span: { ...next, count: 1 }, fired };
  const again = evaluate(trigger, { ...next, count: 0 }, { nowUs, event });
  return { span: again.span, fired: [...fired, ...again.fired] };
}
