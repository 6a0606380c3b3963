/**
 * When a stored result of an earlier call is taken instead of running a task.
 *
 * A policy is a list of parts, and the key a digest of what they give; a part that has nothing to say (no inputs, no flow parameters) is left
 * out, and when none says anything the run is not cached. Meaning as in Prefect 3.8 (`cache_policies.py`), except that the order of parts
 * does not matter. Policies are plain data, so that they travel with a run, unless they hold a function.
 */
import { SluiceError } from "../../wire/errors.ts";
import { findUnhashable, hashValue } from "../values/canonical-hash.ts";

/** What a key function sees of the call. */
export interface CacheKeyContext {
  readonly taskName: string;
  readonly taskRunId: string;
  /** Null for a task called outside a flow. */
  readonly flowRunId: string | null;
  /** The arguments of the call by name. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The parameters of the flow run by name; empty outside a flow. */
  readonly flowParameters: Readonly<Record<string, unknown>>;
}

/** Gives the key of a call; undefined for a call that is not to be cached. */
export type CacheKeyFunction = (context: CacheKeyContext) => string | undefined;

/** One thing that a cache key is made of. */
export type CachePolicyPart =
  | { readonly type: "inputs"; readonly without: readonly string[] }
  | { readonly type: "task-source" }
  | { readonly type: "run-id" }
  | { readonly type: "flow-parameters" }
  | { readonly type: "function"; readonly fn: CacheKeyFunction };

/** A rule for cache keys: {@link INPUTS}, {@link TASK_SOURCE}, {@link RUN_ID}, {@link FLOW_PARAMETERS}, {@link NO_CACHE}, or several of them. */
export interface CachePolicy {
  readonly parts: readonly CachePolicyPart[];
  /** The policy whose key depends on all that this one and the others depend on. {@link NO_CACHE} adds nothing. */
  and(...others: readonly CachePolicy[]): CachePolicy;
  /** The policy that does not look at inputs of these names; without effect when it looks at no inputs. */
  without(...names: readonly string[]): CachePolicy;
}

/** What {@link computeCacheKey} is asked. */
export interface CacheKeyRequest {
  /** The policy, or its structured clone. */
  readonly policy: Pick<CachePolicy, "parts">;
  readonly taskName: string;
  readonly taskRunId: string;
  readonly flowRunId: string | null;
  /** See `hashSource`. */
  readonly taskSourceHash: string;
  /** The arguments by name, futures resolved. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly flowParameters: Readonly<Record<string, unknown>> | null;
  /** Told why there is no key although the policy wants one: an input without a hash, a key function that threw. The run goes on uncached. */
  readonly onNoKey: (reason: string) => void;
}

/** Looks at the arguments of the call. */
export const INPUTS: CachePolicy = policyOf([{ type: "inputs", without: [] }]);

/** Looks at the source of the task's own function, not of those that it calls. */
export const TASK_SOURCE: CachePolicy = policyOf([{ type: "task-source" }]);

/** Looks at the flow run, so that a result serves the retries of one run only; at the task run outside a flow. */
export const RUN_ID: CachePolicy = policyOf([{ type: "run-id" }]);

/** Looks at the parameters of the flow run. */
export const FLOW_PARAMETERS: CachePolicy = policyOf([{ type: "flow-parameters" }]);

/** Never takes a stored result. */
export const NO_CACHE: CachePolicy = policyOf([]);

/** Looks at the arguments, the source and the flow run: Prefect's own default. */
export const DEFAULT: CachePolicy = cachePolicies(INPUTS, TASK_SOURCE, RUN_ID);

/** Joins policies: the key depends on all that any of them depends on. */
export function cachePolicies(...policies: readonly CachePolicy[]): CachePolicy {
  return policyOf(policies.flatMap(({ parts }) => parts));
}

/**
 * Makes a policy of a function. Alone, its text is the key as it is, shared by all tasks that give the same one.
 *
 * A task with such a policy can be submitted to another process when it is declared at module scope.
 */
export function cacheKeyFunction(fn: CacheKeyFunction): CachePolicy {
  return policyOf([{ type: "function", fn }]);
}

/**
 * Computes the key under which the result of a call is kept and looked for.
 *
 * @returns undefined when the call is not cached: by the policy, or with a reason given to `onNoKey`
 */
export function computeCacheKey(request: CacheKeyRequest): string | undefined {
  const keys: [string, string][] = [];
  for (const part of request.policy.parts) {
    const outcome = keyOfPart(part, request);
    if (outcome === undefined) continue;
    if ("noKey" in outcome) {
      request.onNoKey(outcome.noKey);
      return undefined;
    }
    keys.push([part.type, outcome.key]);
  }
  const [only, second] = keys;
  if (only === undefined) return undefined;
  return second === undefined ? only[1] : hashValue(keys.map(([type, key]) => `${type}:${key}`).toSorted());
}

type PartKey = { readonly key: string } | { readonly noKey: string } | undefined;

function keyOfPart(part: CachePolicyPart, request: CacheKeyRequest): PartKey {
  switch (part.type) {
    case "inputs":
      return keyOfInputs(request.inputs, part.without);
    case "task-source":
      return { key: request.taskSourceHash };
    case "run-id":
      return { key: request.flowRunId ?? request.taskRunId };
    case "flow-parameters":
      return keyOfFlowParameters(request.flowParameters ?? {});
    default:
      return keyOfFunction(part.fn, request);
  }
}

function keyOfInputs(inputs: Readonly<Record<string, unknown>>, without: readonly string[]): PartKey {
  if (Object.keys(inputs).length === 0) return undefined;
  return keyOfValues(Object.fromEntries(Object.entries(inputs).filter(([name]) => !without.includes(name))), "input");
}

function keyOfFlowParameters(parameters: Readonly<Record<string, unknown>>): PartKey {
  return Object.keys(parameters).length === 0 ? undefined : keyOfValues(parameters, "flow parameter");
}

function keyOfValues(values: Readonly<Record<string, unknown>>, what: string): PartKey {
  const key = hashValue(values);
  if (key !== undefined) return { key };
  const culprit = findUnhashable(values, "") ?? { path: "", what: "a value" };
  return {
    noKey:
      `${what} ${culprit.path.replace(/^\./, "")} is ${culprit.what}, which has no content to compare; ` +
      `leave the input out with INPUTS.without("name"), make the key with cacheKeyFunction, or use NO_CACHE`,
  };
}

function keyOfFunction(fn: CacheKeyFunction, request: CacheKeyRequest): PartKey {
  const { taskName, taskRunId, flowRunId, inputs, flowParameters } = request;
  try {
    const key: unknown = fn({
      taskName,
      taskRunId,
      flowRunId,
      parameters: inputs,
      flowParameters: flowParameters ?? {},
    });
    if (key === undefined || key === null) return undefined;
    return typeof key === "string" && key !== ""
      ? { key }
      : { noKey: `the cache key function gave ${typeof key} in place of a text` };
  } catch (error) {
    return {
      noKey: `the cache key function threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
    };
  }
}

function policyOf(parts: readonly CachePolicyPart[]): CachePolicy {
  const policy: CachePolicy = {
    parts: normalized(parts),
    and: (...others) => cachePolicies(policy, ...others),
    without: (...names) => withoutInputs(parts, names),
  };
  // Methods are not enumerable, so that a policy is plain data to whatever clones it.
  for (const method of ["and", "without"]) Object.defineProperty(policy, method, { enumerable: false });
  return policy;
}

function withoutInputs(parts: readonly CachePolicyPart[], names: readonly string[]): CachePolicy {
  const odd: unknown = names.find((name: unknown) => typeof name !== "string" || name === "");
  if (odd !== undefined || names.length === 0) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `without() takes names of inputs, got ${names.length === 0 ? "none" : typeof odd}: give the name of a parameter of the task.`,
    );
  }
  return policyOf(
    parts.map((part) => (part.type === "inputs" ? { ...part, without: [...part.without, ...names] } : part)),
  );
}

/** Each part once; the inputs of several as one part that leaves out what any of them leaves out, as in Prefect. */
function normalized(parts: readonly CachePolicyPart[]): CachePolicyPart[] {
  const inputs = parts.filter((part) => part.type === "inputs");
  const others = parts.filter((part, index) => {
    const first = parts.findIndex((other) => other.type === part.type && (other.type !== "function" || other === part));
    return part.type !== "inputs" && first === index;
  });
  if (inputs.length === 0) return others;
  return [...others, { type: "inputs", without: [...new Set(inputs.flatMap((part) => part.without))].toSorted() }];
}
