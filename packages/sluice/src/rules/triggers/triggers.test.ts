import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countEvent, passTime, type EventTrigger, type Span } from "./count-events.ts";
import { countingKey, coversEvent, matchesGlob, type TriggeringEvent } from "./event-match.ts";

const SECOND = 1e6;

function trigger(values: Partial<EventTrigger> = {}): EventTrigger {
  return {
    id: "t",
    type: "event",
    after: [],
    expect: [],
    match: {},
    match_related: {},
    for_each: [],
    posture: "Reactive",
    threshold: 1,
    within: 0,
    ...values,
  };
}

function event(name = "e", values: Partial<TriggeringEvent> = {}): TriggeringEvent {
  return { id: name, event: name, occurred: "", resource: { "prefect.resource.id": "r.1" }, ...values };
}

/** Counts events at seconds; how often the trigger fired after each. */
function fires(one: EventTrigger, events: readonly [seconds: number, name: string][]): number[] {
  let span: Span | null = null;
  return events.map(([seconds, name]) => {
    const counted = countEvent(one, span, { event: event(name), occurredUs: seconds * SECOND });
    ({ span } = counted);
    return counted.fired.length;
  });
}

describe("matching", () => {
  it.each([
    ["prefect.flow-run.*", "prefect.flow-run.Failed", true],
    ["prefect.flow-run.*", "prefect.task-run.Failed", false],
    ["a?c", "abc", true],
    ["a[bx]c", "axc", true],
    ["a[!b]c", "abc", false],
    ["a.c", "abc", false],
    ["(a+)+$", "aaaa", false],
  ])("%s of %s is %s", (pattern, text, expected) => expect(matchesGlob(pattern, text)).toBe(expected));

  it("asks of a resource that every label matches one of its patterns, and of related ones that one does", () => {
    const about = event("e", {
      resource: { "prefect.resource.id": "flow-run.1", name: "x" },
      related: [{ "prefect.resource.id": "flow.1", "prefect.resource.role": "flow" }],
    });
    expect(coversEvent(trigger({ match: { name: ["y", "x"] } }), about)).toBe(true);
    expect(coversEvent(trigger({ match: { name: "!x" } }), about)).toBe(false);
    expect(coversEvent(trigger({ match: { missing: "*" } }), about)).toBe(false);
    expect(coversEvent(trigger({ match_related: { "prefect.resource.id": "flow.*" } }), about)).toBe(true);
    expect(coversEvent(trigger({ match_related: [{ "prefect.resource.id": "flow.*" }, { a: "b" }] }), about)).toBe(
      false,
    );
    expect(countingKey(["related:flow:prefect.resource.id", "name", "none"], about)).toEqual(["x", "", "flow.1"]);
  });
});

describe("reactive triggers", () => {
  it("fire at every event when they ask for one at once", () => {
    expect(
      fires(trigger(), [
        [1, "e"],
        [2, "e"],
        [3, "e"],
      ]),
    ).toEqual([1, 1, 1]);
  });

  it("fire once when enough has happened in time, and then wait for the next span", () => {
    const three = trigger({ threshold: 3, within: 10 });
    expect(
      fires(three, [
        [0, "e"],
        [1, "e"],
        [2, "e"],
        [3, "e"],
        [11, "e"],
        [12, "e"],
        [13, "e"],
      ]),
    ).toEqual([0, 0, 1, 0, 0, 0, 1]);
  });

  it("count only after what they start after", () => {
    const started = trigger({ after: ["start"], expect: ["e"], within: 10 });
    expect(
      fires(started, [
        [0, "e"],
        [1, "start"],
        [2, "e"],
        [3, "e"],
      ]),
    ).toEqual([0, 0, 1, 0]);
  });
});

describe("proactive triggers", () => {
  const watch = trigger({ posture: "Proactive", after: ["start"], expect: ["end"], within: 10 });
  const started = countEvent(watch, null, { event: event("start"), occurredUs: 0 }).span;

  it("fire when the time is over and nothing has come", () => {
    expect(started && passTime(watch, started, 9 * SECOND).fired).toEqual([]);
    expect(started && passTime(watch, started, 10 * SECOND).fired).toMatchObject([{ event: "start" }]);
  });

  it("do not fire when it has come in time", () => {
    const { span } = countEvent(watch, started, { event: event("end"), occurredUs: 5 * SECOND });
    expect(span && passTime(watch, span, 10 * SECOND)).toEqual({ span: null, fired: [] });
  });
});

it("whatever happens, a reactive trigger fires no oftener than its events allow", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 40 }),
      (threshold, within, times) => {
        const events = times.toSorted((one, other) => one - other).map((time) => [time, "e"] as [number, string]);
        const count = fires(trigger({ threshold, within }), events).reduce((sum, one) => sum + one, 0);
        expect(count * threshold).toBeLessThanOrEqual(events.length);
      },
    ),
  );
});
