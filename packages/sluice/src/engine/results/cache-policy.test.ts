import { expect, test } from "vitest";
import {
  cacheKeyFunction,
  cachePolicies,
  computeCacheKey,
  DEFAULT,
  FLOW_PARAMETERS,
  INPUTS,
  NO_CACHE,
  RUN_ID,
  TASK_SOURCE,
} from "./cache-policy.ts";
import type { CacheKeyRequest, CachePolicy } from "./cache-policy.ts";

const reasons: string[] = [];

function key(policy: Pick<CachePolicy, "parts">, changes: Partial<CacheKeyRequest> = {}): string | undefined {
  return computeCacheKey({
    policy,
    taskName: "load",
    taskRunId: "t1",
    flowRunId: "f1",
    taskSourceHash: "s1",
    inputs: { x: 1, y: [2] },
    flowParameters: { p: 1 },
    onNoKey: (reason) => void reasons.push(reason),
    ...changes,
  });
}

test.each<[string, CachePolicy, (keyof CacheKeyRequest)[]]>([
  ["INPUTS", INPUTS, ["inputs"]],
  ["TASK_SOURCE", TASK_SOURCE, ["taskSourceHash"]],
  ["RUN_ID", RUN_ID, ["flowRunId"]],
  ["FLOW_PARAMETERS", FLOW_PARAMETERS, ["flowParameters"]],
  ["DEFAULT", DEFAULT, ["inputs", "taskSourceHash", "flowRunId"]],
  ["INPUTS.and(FLOW_PARAMETERS)", INPUTS.and(FLOW_PARAMETERS), ["inputs", "flowParameters"]],
])("%s makes the key of what it is named after, and of nothing else", (_, policy, dependsOn) => {
  const changes: Partial<CacheKeyRequest> = {
    inputs: { x: 2, y: [2] },
    taskSourceHash: "s2",
    flowRunId: "f2",
    flowParameters: { p: 2 },
    taskRunId: "t2",
    taskName: "other",
  };
  const base = key(policy);
  expect(base).toBe(key(policy));
  for (const [name, value] of Object.entries(changes)) {
    const changed = key(policy, { [name]: value });
    expect(changed !== base, name).toBe(dependsOn.some((dependency) => dependency === name));
  }
});

test("does not look at the order of policies, and counts each once", () => {
  expect(key(RUN_ID.and(TASK_SOURCE, INPUTS))).toBe(key(DEFAULT));
  expect(key(DEFAULT.and(DEFAULT, INPUTS, NO_CACHE))).toBe(key(DEFAULT));
  expect(cachePolicies().parts).toEqual([]);
});

test("leaves inputs out by name", () => {
  const policy = DEFAULT.without("y");
  expect(key(policy, { inputs: { x: 1, y: 3 } })).toBe(key(policy));
  expect(key(policy, { inputs: { x: 2, y: [2] } })).not.toBe(key(policy));
  expect(INPUTS.without("a").and(INPUTS.without("b")).parts).toEqual([{ type: "inputs", without: ["a", "b"] }]);
  expect(TASK_SOURCE.without("y").parts).toEqual(TASK_SOURCE.parts);
  expect(() => INPUTS.without()).toThrow(expect.objectContaining({ code: "SLUICE_OPTION_INVALID" }));
});

test("has no key when no part has anything to say", () => {
  expect(key(NO_CACHE)).toBeUndefined();
  expect(key(INPUTS, { inputs: {} })).toBeUndefined();
  expect(key(FLOW_PARAMETERS, { flowParameters: null })).toBeUndefined();
  expect(key(INPUTS.and(TASK_SOURCE), { inputs: {} })).toBe("s1");
  expect(reasons).toEqual([]);
});

test("takes the task run for the flow run outside a flow", () => {
  expect(key(RUN_ID, { flowRunId: null })).toBe("t1");
});

test("says which input cannot be compared, and has no key then", () => {
  reasons.length = 0;
  expect(key(INPUTS, { inputs: { x: 1, y: { go: () => 1 } } })).toBeUndefined();
  expect(reasons).toEqual([
    expect.stringMatching(/^input y\.go is a function named "go", which has no content .* INPUTS\.without\("name"\)/),
  ]);
  expect(key(INPUTS.without("y"), { inputs: { x: 1, y: () => 1 } })).toBeDefined();
});

test("takes the key of a function as it is, and joins it with other parts", () => {
  const custom = cacheKeyFunction(({ taskName, parameters }) => `${taskName}-${String(parameters["x"])}`);
  expect(key(custom)).toBe("load-1");
  expect(key(custom.and(TASK_SOURCE))).not.toBe(key(custom.and(TASK_SOURCE), { taskSourceHash: "s2" }));
  expect(key(cacheKeyFunction(() => undefined))).toBeUndefined();
});

test("says that a key function threw or gave no text", () => {
  reasons.length = 0;
  const throwing = cacheKeyFunction(() => {
    throw new RangeError("no");
  });
  // What a caller without types may do.
  const odd = cacheKeyFunction(() => 7 as unknown as string);
  expect([key(throwing), key(odd)]).toEqual([undefined, undefined]);
  expect(reasons).toEqual([
    "the cache key function threw RangeError: no",
    "the cache key function gave number in place of a text",
  ]);
});

test("computes the same key from a policy that has crossed a process", () => {
  const policy = DEFAULT.without("y");
  expect(key(structuredClone(policy))).toBe(key(policy));
});
