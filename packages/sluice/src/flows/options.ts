import { LONGEST_RETRY_DELAY_SECONDS } from "../rules/retry-delay.ts";
import { SluiceError } from "../wire/errors.ts";

/** Names that a flow or task may not have: Prefect's own limits, since names go into addresses and filters. */
const BANNED_IN_NAMES = /[/%&><]/;

/** What flow() and task() were given, in order. */
export interface Declaration<Fn, Options> {
  readonly name: string;
  readonly options: Options;
  readonly fn: Fn;
}

/**
 * Reads the three forms of a declaration: `(fn)`, `(name, fn)`, `(name, options, fn)`.
 *
 * @throws SluiceError SLUICE_NAME_MISSING for an anonymous function without a name; SLUICE_OPTION_INVALID for anything else that is not of these forms
 */
export function readDeclaration<Fn extends CallableFunction, Options extends object>(
  kind: "flow" | "task",
  args: readonly unknown[],
): Declaration<Fn, Options> {
  const fn = args.at(-1);
  const first = args[0];
  if (typeof fn !== "function" || args.length > 3) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `${kind}() expected (function), (name, function) or (name, options, function), got ${describe(args)}.`,
    );
  }
  const name = typeof first === "string" ? first : fn.name;
  if (name === "") {
    throw new SluiceError(
      "SLUICE_NAME_MISSING",
      `${kind}() expected a name, got an anonymous function alone: ${excerpt(fn)}. Write ${kind}("my-name", fn), or name the function.`,
    );
  }
  if (typeof first !== "string" && args.length > 1) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `${kind}() expected a name as its first argument before options or a function, got ${describe(args)}.`,
    );
  }
  if (BANNED_IN_NAMES.test(name)) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `${kind}() expected a name without the characters / % & > <, got ${JSON.stringify(name)}.`,
    );
  }
  const options = args.length === 3 ? args[1] : {};
  if (typeof options !== "object" || options === null) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `${kind}("${name}") expected its options as an object, got ${describe([options])}.`,
    );
  }
  // The overloads of flow() and task() type what is passed; values are checked by checkOptions.
  return { name, options: options as Options, fn: fn as unknown as Fn };
}

type Check = (value: unknown) => string | undefined;

const wholeFromZero: Check = (value) =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 ? undefined : "a whole number from 0";
const numberFromZero: Check = (value) => (typeof value === "number" && value >= 0 ? undefined : "a number from 0");
const positive: Check = (value) => (typeof value === "number" && value > 0 ? undefined : "a number above 0");
const flag: Check = (value) => (typeof value === "boolean" ? undefined : "true or false");
const text: Check = (value) => (typeof value === "string" ? undefined : "a text");
const textOrFunction: Check = (value) =>
  typeof value === "string" || typeof value === "function" ? undefined : "a text or a function";
const functionOnly: Check = (value) => (typeof value === "function" ? undefined : "a function");
const texts: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string") ? undefined : "a list of texts";
const hooks: Check = (value) =>
  typeof value === "function" || (Array.isArray(value) && value.every((item) => typeof item === "function"))
    ? undefined
    : "a function or a list of functions";
const isDelay = (value: unknown): boolean =>
  typeof value === "number" && value >= 0 && value <= LONGEST_RETRY_DELAY_SECONDS;
const delays: Check = (value) =>
  typeof value === "function" ||
  isDelay(value) ||
  (Array.isArray(value) && value.length > 0 && value.every((item) => isDelay(item)))
    ? undefined
    : `seconds from 0 to ${LONGEST_RETRY_DELAY_SECONDS}, a list of such, or a function`;
const runner: Check = (value) =>
  typeof value === "object" && value !== null && "description" in value && "carry" in value
    ? undefined
    : "a task runner";
const store: Check = (value) =>
  typeof value === "object" && value !== null && "read" in value && "write" in value
    ? undefined
    : "a result store (read, write, delete)";
const schema: Check = (value) =>
  (typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value
    ? undefined
    : "a Standard Schema (zod, valibot, arktype, …)";
const policy: Check = (value) => (typeof value === "object" && value !== null ? undefined : "a cache policy");
const awaitables: Check = (value) => (Array.isArray(value) ? undefined : "a list of futures");

const DASK_CHECKS: Readonly<Record<string, Check>> = {
  priority: (value) => (typeof value === "number" && Number.isInteger(value) ? undefined : "a whole number"),
  retries: wholeFromZero,
  resources: (value) =>
    typeof value === "object" && value !== null && Object.values(value).every((item) => positive(item) === undefined)
      ? undefined
      : "an object of numbers above 0",
  workers: texts,
  allowOtherWorkers: flag,
};
const daskAnnotations: Check = (value) => {
  if (typeof value !== "object" || value === null) return "an object of annotations";
  for (const [name, item] of Object.entries(value)) {
    const check = DASK_CHECKS[name];
    if (check === undefined) return `annotations among ${Object.keys(DASK_CHECKS).join(", ")} (got ${name})`;
    const expected = item === undefined ? undefined : check(item);
    if (expected !== undefined) return `its ${name} to be ${expected}`;
  }
  return undefined;
};

const plainObject: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && JSON.stringify(value) !== undefined
    ? undefined
    : "an object of plain data";

const COMMON = {
  description: text,
  version: text,
  retries: wholeFromZero,
  retryDelaySeconds: delays,
  retryJitterFactor: numberFromZero,
  retryCondition: functionOnly,
  timeoutSeconds: positive,
  persistResult: flag,
  resultStorage: store,
  tags: texts,
  logPrints: flag,
  onRunning: hooks,
  onCompletion: hooks,
  onFailure: hooks,
  onCancellation: hooks,
  onCrashed: hooks,
  key: textOrFunction,
  waitFor: awaitables,
  graceMs: numberFromZero,
  taskRunner: runner,
  dask: daskAnnotations,
  ray: plainObject,
} satisfies Record<string, Check>;

const CHECKS: Readonly<Record<"flow" | "task", Readonly<Record<string, Check>>>> = {
  flow: { ...COMMON, flowRunName: textOrFunction, params: schema },
  task: {
    ...COMMON,
    taskRunName: textOrFunction,
    cachePolicy: policy,
    cacheExpiration: positive,
    refreshCache: flag,
    onRollback: functionOnly,
    onCommit: functionOnly,
  },
};

/**
 * Checks options by name and value; an option that is undefined counts as not given.
 *
 * @throws SluiceError SLUICE_OPTION_INVALID naming the option, what was expected and what was got
 */
export function checkOptions(kind: "flow" | "task", name: string, options: object): void {
  const checks = CHECKS[kind];
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = checks[option];
    if (check === undefined) {
      throw new SluiceError(
        "SLUICE_OPTION_INVALID",
        `${kind} "${name}" has no option "${option}". Known options: ${Object.keys(checks).toSorted().join(", ")}.`,
      );
    }
    const expected = check(value);
    if (expected !== undefined) {
      throw new SluiceError(
        "SLUICE_OPTION_INVALID",
        `${kind} "${name}": option "${option}" expected ${expected}, got ${describe([value])}.`,
      );
    }
  }
}

function describe(values: readonly unknown[]): string {
  return values
    .map((value) => {
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
        return JSON.stringify(value);
      if (typeof value === "function") return value.name === "" ? "an anonymous function" : `function ${value.name}`;
      return value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
    })
    .join(", ");
}

function excerpt(fn: CallableFunction): string {
  const source = fn.toString().replace(/\s+/g, " ");
  return source.length > 60 ? `${source.slice(0, 57)}...` : source;
}
