import fc from "fast-check";
import { expect, test } from "vitest";
import { STATE_TYPES } from "../wire/state-types.ts";
import { microsToIso } from "../wire/timestamp.ts";
import type { Decision } from "./decision.ts";
import { decideFlowTransition, type FlowFacts } from "./flow-policy.ts";
import { runState, type RunState } from "./run-state.ts";
import { decideTaskTransition } from "./task-policy.ts";

const NOW = 1_790_000_000_000_000;
const flowFacts = (rest: Partial<FlowFacts> = {}): FlowFacts => ({
  nowUs: NOW,
  runCount: 1,
  retries: 0,
  retryDelaySeconds: 0,
  isDeployed: false,
  isSubflow: false,
  hasInfrastructure: true,
  pauseKeys: [],
  ...rest,
});

const anyTime = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.integer({ min: 0, max: 4_000_000_000_000_000 }).map(microsToIso),
  fc.string(),
);
const anyState: fc.Arbitrary<RunState> = fc.record({
  type: fc.constantFrom(...STATE_TYPES),
  name: fc.oneof(fc.constantFrom("Pending", "Late", "AwaitingRetry", "Resuming", "Suspended"), fc.string()),
  timestampUs: fc.nat(),
  message: fc.option(fc.string()),
  data: fc.constantFrom(null, { type: "unpersisted" }, { type: "reference", storage_key: "k" }, "text"),
  details: fc.record(
    {
      scheduled_time: anyTime.map((time) => time ?? null),
      transition_id: fc.option(fc.constantFrom("a", "b")),
      pause_timeout: anyTime.map((time) => time ?? null),
      pause_key: fc.option(fc.constantFrom("p", "q")),
      pause_reschedule: fc.boolean(),
      retriable: fc.option(fc.boolean()),
    },
    { requiredKeys: [] },
  ),
});

function isLegal(decision: Decision): boolean {
  if (decision.kind === "accept") return STATE_TYPES.includes(decision.state.type);
  if (decision.kind === "wait") return decision.delaySeconds > 0 && Number.isInteger(decision.delaySeconds);
  if (decision.kind === "reject")
    return decision.reason !== "" && (decision.state === null || STATE_TYPES.includes(decision.state.type));
  return decision.reason !== "";
}

test("every proposed transition of a flow run ends in a legal decision", () => {
  const facts = fc.record({
    nowUs: fc.nat(),
    runCount: fc.nat(5),
    retries: fc.nat(3),
    retryDelaySeconds: fc.double({ min: 0, max: 1000, noNaN: true }),
    isDeployed: fc.boolean(),
    isSubflow: fc.boolean(),
    hasInfrastructure: fc.boolean(),
    pauseKeys: fc.subarray(["p", "q"]),
  });
  fc.assert(
    fc.property(fc.tuple(fc.option(anyState), anyState, facts, fc.boolean()), ([initial, proposed, known, force]) => {
      expect(isLegal(decideFlowTransition({ initial, proposed }, known, force))).toBe(true);
    }),
  );
});

test("every proposed transition of a task run ends in a legal decision", () => {
  const facts = fc.record({
    nowUs: fc.nat(),
    runCount: fc.nat(5),
    retries: fc.nat(3),
    retryDelaySeconds: fc.nat(100),
    flowRunState: fc.constantFrom(...STATE_TYPES, null, undefined),
  });
  fc.assert(
    fc.property(
      fc.tuple(fc.option(anyState), anyState, facts, fc.boolean()),
      ([initial, proposed, { flowRunState, ...rest }, force]) => {
        const known = flowRunState === undefined ? rest : { ...rest, flowRunState };
        expect(isLegal(decideTaskTransition({ initial, proposed }, known, force))).toBe(true);
      },
    ),
  );
});

test("a run in CANCELLING goes nowhere but to CANCELLED", () => {
  fc.assert(
    fc.property(anyState, anyState, (initial, proposed) => {
      const decision = decideFlowTransition(
        { initial: { ...initial, type: "CANCELLING", details: {} }, proposed },
        flowFacts(),
      );
      expect(decision.kind === "accept" ? decision.state.type : "CANCELLED").toBe("CANCELLED");
    }),
  );
});

test("a final run is never marked CRASHED, PAUSED or CANCELLING", () => {
  for (const type of ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] as const) {
    for (const to of ["CRASHED", "PAUSED", "CANCELLING"] as const) {
      expect(decideFlowTransition({ initial: runState(type, 1), proposed: runState(to, 2) }, flowFacts()).kind).toBe(
        "abort",
      );
    }
  }
});

test("a completed run with a persisted result is not run again", () => {
  const initial = runState("COMPLETED", 1, { data: { type: "reference", storage_key: "k" } });
  const decision = decideFlowTransition({ initial, proposed: runState("RUNNING", 2) }, flowFacts());
  expect(decision).toEqual({ kind: "reject", state: null, reason: "Run is already COMPLETED." });
});

test("a completed run without a result may run again", () => {
  expect(
    decideFlowTransition({ initial: runState("COMPLETED", 1), proposed: runState("RUNNING", 2) }, flowFacts()).kind,
  ).toBe("accept");
});

test("of two submitters of one run the second is refused", () => {
  const pending = runState("PENDING", 1);
  expect(decideFlowTransition({ initial: pending, proposed: runState("PENDING", 2) }, flowFacts()).kind).toBe("abort");
});

test("a PENDING run changes its name to Submitting and keeps its scheduled time", () => {
  const initial = runState("PENDING", 1, { details: { scheduled_time: microsToIso(NOW) } });
  const decision = decideFlowTransition(
    { initial, proposed: runState("PENDING", 2, { name: "Submitting" }) },
    flowFacts(),
  );
  expect(decision.kind === "accept" && decision.state.details.scheduled_time).toBe(microsToIso(NOW));
});

test("a run waits for its scheduled time in whole seconds", () => {
  const initial = runState("PENDING", 1, { details: { scheduled_time: microsToIso(NOW + 90_400_000) } });
  const decision = decideFlowTransition({ initial, proposed: runState("RUNNING", NOW) }, flowFacts());
  expect(decision).toEqual({ kind: "wait", delaySeconds: 90, reason: "Scheduled time is in the future" });
});

test("a failed flow run is scheduled again until its retries are spent", () => {
  const transition = { initial: runState("RUNNING", 1), proposed: runState("FAILED", 2, { message: "no" }) };
  const first = decideFlowTransition(transition, flowFacts({ retries: 1, retryDelaySeconds: 2.5 }));
  expect(first.kind === "reject" && first.state).toMatchObject({
    type: "SCHEDULED",
    name: "AwaitingRetry",
    message: "no",
    details: { scheduled_time: microsToIso(NOW + 2_500_000) },
  });
  expect(decideFlowTransition(transition, flowFacts({ retries: 1, runCount: 2 })).kind).toBe("accept");
});

test("a scheduled run without infrastructure is cancelled at once", () => {
  const transition = { initial: runState("SCHEDULED", 1), proposed: runState("CANCELLING", 2) };
  const decision = decideFlowTransition(transition, flowFacts({ hasInfrastructure: false }));
  expect(decision.kind === "reject" && decision.state?.type).toBe("CANCELLED");
  expect(decideFlowTransition(transition, flowFacts()).kind).toBe("accept");
});

test("a retried task run is named Retrying", () => {
  const initial = runState("SCHEDULED", 1, { name: "AwaitingRetry" });
  const decision = decideTaskTransition(
    { initial, proposed: runState("RUNNING", 2) },
    { nowUs: NOW, runCount: 1, retries: 1, retryDelaySeconds: 0 },
  );
  expect(decision.kind === "accept" && decision.state.name).toBe("Retrying");
});

test("a task of a flow run that is not running is not started", () => {
  const facts = { nowUs: NOW, runCount: 0, retries: 0, retryDelaySeconds: 0, flowRunState: "COMPLETED" as const };
  expect(decideTaskTransition({ initial: runState("PENDING", 1), proposed: runState("RUNNING", 2) }, facts).kind).toBe(
    "abort",
  );
});
