import type {
  Definition,
  FlowDefinition,
  FlowOptions,
  RunFunction,
  TaskDefinition,
  TaskOptions,
} from "../engine/definition.ts";
import { currentFrame } from "../engine/context/frame.ts";
import { defineFunction } from "../engine/functions/function-registry.ts";
import { Future, type StartedRun } from "../engine/context/future.ts";
import { haltIfImporting } from "../engine/functions/import-halt.ts";
import { parameterNames } from "../engine/values/parameters.ts";
import { canTravel } from "../engine/runs/portable.ts";
import { startCall } from "../engine/runs/start-call.ts";
import { valueOf, type FinalState } from "../engine/state.ts";
import type { FunctionReference } from "../wire/run-spec.ts";
import type { MapStreamOptions } from "./call-types.ts";
import { mapCalls, mapStream } from "./map-calls.ts";
import { checkOptions } from "./options.ts";
import { rootProgress } from "./progress/root-progress.ts";
import { openSession } from "./session.ts";

const DEFINITION = Symbol.for("sluice.definition");

/** Where the definition behind a flow or task is found. */
interface Defined {
  readonly [DEFINITION]: Definition;
}

/** The definition behind a flow or task, undefined for any other value. Works across copies of the package. */
export function definitionOf(value: unknown): Definition | undefined {
  return typeof value === "function" && DEFINITION in value ? (value as unknown as Defined)[DEFINITION] : undefined;
}

/** Declares a flow or task and makes the function that users call. */
export function makeCallable(parts: {
  readonly kind: "flow" | "task";
  readonly name: string;
  readonly options: FlowOptions | TaskOptions;
  readonly fn: RunFunction;
  readonly python?: string;
}): CallableFunction {
  checkOptions(parts.kind, parts.name, parts.options);
  return callableOf(define(parts, {}, null));
}

interface Declared {
  readonly kind: "flow" | "task";
  readonly name: string;
  readonly options: FlowOptions | TaskOptions;
  readonly fn: RunFunction;
  readonly python?: string | null;
}

function define(
  parts: Declared,
  overrides: Readonly<Record<string, unknown>>,
  known: FunctionReference | null,
): Definition {
  let names: readonly string[] | undefined;
  const { kind, name, fn, options } = parts;
  // The reference needs the definition and the definition the reference: it is filled in right after.
  const definition = {
    kind,
    name,
    fn,
    options,
    overrides,
    python: parts.python ?? null,
    carrier: (overrides["taskRunner"] ?? null) as Definition["carrier"], // checked by checkOptions
    parameterNames: () => (names ??= parameterNames(fn)),
  } as Omit<Definition, "reference" | "taskKey">;
  const reference = known ?? defineFunction({ fn, name, kind, definition });
  return Object.assign(definition, { reference, taskKey: `${name}-${reference.source_hash.slice(0, 8)}` });
}

/** Gives a definition with further options, as a far side needs it; the reference stays that of the declaration. */
export function withOverrides(definition: Definition, overrides: Readonly<Record<string, unknown>>): Definition {
  if (Object.keys(overrides).length === 0) return definition;
  const parts = { ...definition, options: { ...definition.options, ...overrides } };
  return define(parts, { ...definition.overrides, ...overrides }, definition.reference);
}

function callableOf(definition: Definition): CallableFunction {
  const { name } = definition;
  const settle = async (args: readonly unknown[]): Promise<FinalState<unknown>> => {
    if (currentFrame() === undefined) {
      const halted = haltIfImporting(name);
      if (halted !== undefined) return halted;
    }
    return showing(definition, args);
  };
  const submit = (...args: readonly unknown[]): Future<unknown> => {
    if (currentFrame() === undefined) {
      const halted = haltIfImporting(name);
      if (halted !== undefined) return new Future(haltedRun(definition, halted));
    }
    return new Future(startCall({ definition, args, frame: currentFrame(), host: openSession(), submitted: true }));
  };
  const call = async (...args: readonly unknown[]): Promise<unknown> => valueOf(await settle(args));
  Object.defineProperty(call, "name", { value: name });
  Object.defineProperty(call, DEFINITION, { value: definition });
  return Object.assign(call, {
    submit,
    map: (...args: readonly unknown[]) => mapCalls(name, args).map((row) => submit(...row)),
    mapStream: (items: Iterable<unknown> | AsyncIterable<unknown>, options: MapStreamOptions = {}) =>
      mapStream((item) => submit(item), items, options),
    safe: (...args: readonly unknown[]) => settle(args),
    with: (options: FlowOptions | TaskOptions) => {
      checkOptions(definition.kind, name, options);
      const given: Record<string, unknown> = { ...options };
      return callableOf(withCopy(definition, given));
    },
  });
}

/** A run that is never started, of a call made while its module is only imported: its future never settles. */
function haltedRun({ name, kind }: Definition, outcome: Promise<never>): StartedRun<never> {
  const timestamp = new Date();
  return {
    run: { id: "", name, kind },
    outcome,
    carried: false,
    currentState: () => ({
      type: "PENDING",
      name: "Pending",
      message: "Not started: the module is only imported.",
      timestamp,
    }),
    cancel: () => undefined,
  };
}

/** Runs a call here; the run of a root flow shows its progress, where that is asked for. */
async function showing(definition: Definition, args: readonly unknown[]): Promise<FinalState<unknown>> {
  const host = openSession();
  const frame = currentFrame();
  const isRoot = frame === undefined && definition.kind === "flow";
  const progress = isRoot ? rootProgress(host.settings.progress, host.transport) : undefined;
  const call = { definition, args, frame, host, submitted: false };
  if (progress === undefined) return startCall(call).outcome;
  try {
    return await startCall({ ...call, onCreated: ({ run }) => progress.onCreated(run) }).outcome;
  } finally {
    await progress.ended();
  }
}

/** A copy made by `with()`. Options that cannot travel make it a declaration of its own, found like the first where it stands at the top level of a module. */
function withCopy(definition: FlowDefinition | TaskDefinition, given: Readonly<Record<string, unknown>>): Definition {
  const copy = withOverrides(definition, given);
  if (Object.entries(given).every(([option, value]) => canTravel(option, value))) return copy;
  const { kind, name, fn, options, python, carrier } = copy;
  const declared = define({ kind, name, fn, options, python }, carrier === null ? {} : { taskRunner: carrier }, null);
  return declared.reference.home === null ? copy : declared;
}
