import fc from "fast-check";
import { expect, test } from "vitest";
import { STATE_TYPES } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { runState, type RunState } from "../run-state.ts";
import { renewsLeases, takesOwnSlots } from "./client-version.ts";
import type { Decision } from "./decision.ts";
import type { DeploymentLimit, FlowFacts } from "./flow-facts.ts";
import { decideFlowTransition, settleResuming } from "./flow-policy.ts";
import { decideTaskTransition, type TaskFacts } from "./task-policy.ts";

const NOW = 1_790_000_000_000_000;
const flowFacts = (rest: Partial<FlowFacts> = {}): FlowFacts => ({
  nowUs: NOW,
  runCount: 1,
  retries: null,
  retryDelaySeconds: 0,
  isDeployed: false,
  isSubflow: false,
  hasInfrastructure: true,
  pauseKeys: [],
  newPauseKey: "new",
  clientVersion: null,
  deploymentLimit: null,
  holdsLease: false,
  newLeaseId: "lease",
  slotWaitSeconds: 30,
  ...rest,
});
const limit = (rest: Partial<DeploymentLimit> = {}): FlowFacts => {
  const deploymentLimit = {
    id: "limit",
    maxSlots: 1,
    hasFreeSlot: true,
    whenFull: "ENQUEUE",
    leaseSeconds: 300,
    ...rest,
  } as const;
  return flowFacts({ isDeployed: true, deploymentLimit });
};
const taskFacts = (rest: Partial<TaskFacts> = {}): TaskFacts => ({
  nowUs: NOW,
  runCount: 0,
  retries: null,
  retryDelaySeconds: 0,
  flowRun: null,
  flowRunRunCount: 0,
  cached: null,
  maxCacheKeyLength: 10,
  tagLimits: [],
  slotWaitSeconds: 10,
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

function isLegal(decision: Decision<unknown>): boolean {
  if (decision.kind === "accept") return STATE_TYPES.includes(decision.state.type);
  if (decision.kind === "wait") return decision.delaySeconds > 0 && Number.isInteger(decision.delaySeconds);
  if (decision.kind === "reject")
    return decision.reason !== "" && (decision.state === null || STATE_TYPES.includes(decision.state.type));
  return decision.reason !== "";
}

test("every proposed transition of a flow run ends in a legal decision", () => {
  const deploymentLimit = fc.oneof(
    fc.constantFrom(null, "gone" as const),
    fc.record({
      id: fc.string(),
      maxSlots: fc.nat(2),
      hasFreeSlot: fc.boolean(),
      whenFull: fc.constantFrom("ENQUEUE" as const, "CANCEL_NEW" as const),
      leaseSeconds: fc.nat(),
    }),
  );
  const facts = fc.record({
    nowUs: fc.nat(),
    runCount: fc.nat(5),
    retries: fc.option(fc.nat(3)),
    retryDelaySeconds: fc.double({ min: 0, max: 1000, noNaN: true }),
    isDeployed: fc.boolean(),
    isSubflow: fc.boolean(),
    hasInfrastructure: fc.boolean(),
    pauseKeys: fc.subarray(["p", "q"]),
    clientVersion: fc.option(fc.constantFrom("3.8.8", "3.4.10", "3.0.0rc20", "no version")),
    deploymentLimit,
    holdsLease: fc.boolean(),
  });
  const policy = fc.constantFrom("core" as const, "minimal" as const, "late" as const);
  fc.assert(
    fc.property(fc.tuple(fc.option(anyState), anyState, facts, policy), ([initial, proposed, known, rules]) => {
      expect(isLegal(decideFlowTransition({ initial, proposed }, flowFacts(known), rules))).toBe(true);
    }),
  );
});

test("every proposed transition of a task run ends in a legal decision", () => {
  const tagLimit = fc.record({ id: fc.string(), tag: fc.string(), maxSlots: fc.nat(2), hasFreeSlot: fc.boolean() });
  const facts = fc.record({
    nowUs: fc.nat(),
    runCount: fc.nat(5),
    retries: fc.option(fc.nat(3)),
    retryDelaySeconds: fc.nat(100),
    flowRun: fc.option(fc.record({ id: fc.string(), state: fc.option(anyState), runCount: fc.nat(3) })),
    cached: fc.option(anyState),
    tagLimits: fc.array(tagLimit, { maxLength: 2 }),
  });
  fc.assert(
    fc.property(fc.tuple(fc.option(anyState), anyState, facts, fc.boolean()), ([initial, proposed, known, force]) => {
      expect(isLegal(decideTaskTransition({ initial, proposed }, taskFacts(known), force))).toBe(true);
    }),
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
  expect(decision).toMatchObject({ kind: "reject", state: null, reason: "Run is already COMPLETED." });
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
  const decision = decideTaskTransition({ initial, proposed: runState("RUNNING", 2) }, taskFacts({ runCount: 1 }));
  expect(decision.kind === "accept" && decision.state.name).toBe("Retrying");
});

test("a task of a flow run that is not running is not started", () => {
  const facts = taskFacts({ flowRun: { id: "f", state: runState("COMPLETED", 1), runCount: 1 } });
  const transition = { initial: runState("PENDING", 1), proposed: runState("RUNNING", 2) };
  expect(decideTaskTransition(transition, facts).kind).toBe("abort");
});

test("a run of a limited deployment takes a slot when it becomes PENDING, and its state names the lease", () => {
  const transition = { initial: runState("SCHEDULED", 1), proposed: runState("PENDING", 2) };
  const decision = decideFlowTransition(transition, limit());
  expect(decision).toMatchObject({
    kind: "accept",
    state: { details: { deployment_concurrency_lease_id: "lease" } },
    effects: [{ kind: "take-slot", limitId: "limit", leaseId: "lease", leaseSeconds: 300 }],
  });
});

test.each([
  [{ hasFreeSlot: false }, ["reject", "SCHEDULED", "AwaitingConcurrencySlot"]],
  [{ hasFreeSlot: false, whenFull: "CANCEL_NEW" as const }, ["reject", "CANCELLED", "Cancelled"]],
  [{ maxSlots: 0 }, ["abort"]],
])("a run finds a deployment with %j full", (rest, expected) => {
  const transition = { initial: runState("SCHEDULED", 1), proposed: runState("PENDING", 2) };
  const decision = decideFlowTransition(transition, limit(rest));
  const state = "state" in decision && decision.state ? [decision.state.type, decision.state.name] : [];
  expect([decision.kind, ...state]).toEqual(expected);
});

test("a slot is given back when the run is over or waits elsewhere, and kept while its process retries it", () => {
  const leased = runState("RUNNING", 1, { details: { deployment_concurrency_lease_id: "l" } });
  const effectsOf = (proposed: RunState, rest: Partial<FlowFacts> = {}): unknown => {
    const decision = decideFlowTransition({ initial: leased, proposed }, { ...limit(), ...rest });
    return (
      "effects" in decision && decision.effects.map((effect) => effect.kind).filter((kind) => kind !== "patch-policy")
    );
  };
  expect(effectsOf(runState("COMPLETED", 2))).toEqual(["release-slots"]);
  expect(effectsOf(runState("PAUSED", 2))).toEqual(["release-slots"]);
  expect(effectsOf(runState("SCHEDULED", 2, { name: "AwaitingRetry" }))).toEqual(["release-slots"]);
  expect(effectsOf(runState("CANCELLING", 2))).toEqual([]);
  expect(effectsOf(runState("FAILED", 2), { retries: 1 })).toEqual([]);
  expect(effectsOf(runState("FAILED", 2), { retries: 1, runCount: 2 })).toEqual(["release-slots"]);
});

test.each([
  ["3.8.8", true, ["renew-lease"]],
  ["3.8.8", false, ["take-slot"]],
  ["3.4.10", false, ["keep-slot"]],
  [null, true, ["keep-slot"]],
])("a run that starts under client %s, its lease held: %s", (clientVersion, holdsLease, expected) => {
  const initial = runState("PENDING", 1, { details: { deployment_concurrency_lease_id: "old" } });
  const transition = { initial, proposed: runState("RUNNING", 2) };
  const decision = decideFlowTransition(transition, { ...limit(), clientVersion, holdsLease });
  expect("effects" in decision && decision.effects.map(({ kind }) => kind)).toEqual(expected);
});

test("a run that lost its slot to another is cancelled when it starts", () => {
  const initial = runState("PENDING", 1, { details: { deployment_concurrency_lease_id: "old" } });
  const transition = { initial, proposed: runState("RUNNING", 2) };
  const decision = decideFlowTransition(transition, { ...limit({ hasFreeSlot: false }), clientVersion: "3.8.8" });
  expect(decision).toMatchObject({ kind: "reject", state: { type: "CANCELLED" } });
});

test("a run of a full deployment that wants no queue is cancelled rather than marked late", () => {
  const transition = { initial: runState("SCHEDULED", 1), proposed: runState("SCHEDULED", 2, { name: "Late" }) };
  const full = limit({ hasFreeSlot: false, whenFull: "CANCEL_NEW" });
  expect(decideFlowTransition(transition, full, "late")).toMatchObject({
    kind: "reject",
    state: { type: "CANCELLED" },
  });
  expect(decideFlowTransition(transition, limit({ hasFreeSlot: false }), "late").kind).toBe("accept");
});

test("clients renew their leases from 3.4.11 on, pre-releases do not", () => {
  const versions = ["3.8.8", "3.4.11", "4.0.0", "3.4.11.post1", "3.4.10", "3.4.11rc1", "3.4.11.dev2", "2.20.0", null];
  expect(versions.filter(renewsLeases)).toEqual(["3.8.8", "3.4.11", "4.0.0", "3.4.11.post1"]);
  expect(["3.0.3", "3.0.4", null].filter(takesOwnSlots)).toEqual(["3.0.3"]);
});

test("a run that goes on after a pause does not count anew, and loses its mark", () => {
  expect(settleResuming(true, runState("RUNNING", 1))).toEqual({ counts: false, isResuming: false });
  expect(settleResuming(true, runState("PENDING", 1))).toEqual({ counts: true, isResuming: true });
  expect(settleResuming(false, runState("RUNNING", 1))).toEqual({ counts: true, isResuming: false });
});

test("a task run whose result is cached takes it instead of running", () => {
  const cached = runState("COMPLETED", 1, { data: { type: "reference" }, details: { cache_key: "k" } });
  const transition = { initial: runState("PENDING", 1), proposed: runState("RUNNING", 2) };
  const decision = decideTaskTransition(transition, taskFacts({ cached }));
  expect(decision).toMatchObject({ kind: "reject", state: { ...cached, name: "Cached", timestampUs: NOW } });
});

test("a completed task run is kept under its key until that expires; a key that is too long is refused, the state is not", () => {
  const completed = (cache_key: string) =>
    runState("COMPLETED", 2, { details: { cache_key, cache_expiration: microsToIso(NOW) } });
  const initial = runState("RUNNING", 1);
  expect(decideTaskTransition({ initial, proposed: completed("key") }, taskFacts())).toMatchObject({
    kind: "accept",
    effects: [{ kind: "insert-cache", key: "key", expiration: microsToIso(NOW) }, { kind: "release-slots" }],
  });
  expect(decideTaskTransition({ initial, proposed: completed("much too long") }, taskFacts())).toMatchObject({
    kind: "reject",
    state: { type: "COMPLETED" },
    reason: "Cache key exceeded maximum allowed length of 10 characters.",
  });
});

test("a task run waits for a slot of all its tags, and is given up for a tag without slots", () => {
  const transition = { initial: runState("PENDING", 1), proposed: runState("RUNNING", 2) };
  const tag = (name: string, maxSlots: number, hasFreeSlot: boolean) => ({
    id: name,
    tag: name,
    maxSlots,
    hasFreeSlot,
  });
  const decideWith = (...tagLimits: TaskFacts["tagLimits"]) =>
    decideTaskTransition(transition, taskFacts({ tagLimits }));
  expect(decideWith(tag("a", 1, true), tag("b", 2, true))).toMatchObject({
    kind: "accept",
    effects: [{ kind: "take-slots", limitIds: ["a", "b"] }],
  });
  expect(decideWith(tag("a", 1, true), tag("b", 2, false))).toEqual({
    kind: "wait",
    delaySeconds: 10,
    reason: "Concurrency limit reached for tags: a, b",
  });
  expect(decideWith(tag("a", 1, true), tag("b", 0, false)).kind).toBe("abort");
});
