import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Settings } from "../client/settings.ts";
import type { FlowDefinition } from "../engine/definition.ts";
import { asError } from "../engine/context/call-arguments.ts";
import { beginImporting } from "../engine/functions/import-halt.ts";
import { importModule } from "../engine/functions/load-function.ts";
import { functionsOf } from "../engine/functions/function-registry.ts";
import { fromNamedParameters } from "../engine/values/parameters.ts";
import { childRunner } from "../engine/runs/start-call.ts";
import { startFlow } from "../engine/runs/run-flow.ts";
import type { FinalState } from "../engine/state.ts";
import { SluiceError } from "../wire/errors.ts";
import { definitionOf } from "./callable.ts";
import { openSession } from "./session.ts";

/** A flow to run, found in a file. */
export interface EntrypointRun {
  /** Path of the module, relative to the working directory. */
  readonly file: string;
  /** Name of the export, or of the flow; undefined when the file has one flow. */
  readonly exportName: string | undefined;
  /** By name, as on the wire. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly settings?: Settings;
  /** Called when the run has its id and name, before its body starts; not for a run that ends before that. */
  readonly onStart?: (run: { readonly id: string; readonly name: string; cancel(reason?: string): void }) => void;
}

/** How the run of an entrypoint ended. */
export interface EntrypointEnd {
  readonly flowRunId: string;
  readonly flowRunName: string;
  readonly state: FinalState<unknown>;
  /** The value of a completed run. */
  readonly result: unknown;
}

/**
 * Imports a file for its flows without running its script, and runs one of them. Resolves for a failed run too: look at `state`.
 *
 * @throws SluiceError SLUICE_FLOW_NOT_FOUND naming the flows that the file has; SLUICE_IMPORT_FAILED; SLUICE_PARAMETERS_INVALID
 */
export async function runEntrypoint(entrypoint: EntrypointRun): Promise<EntrypointEnd> {
  const definition = await findFlow(entrypoint.file, entrypoint.exportName);
  const host = openSession(entrypoint.settings);
  const takesObject = definition.options.params !== undefined;
  const args = fromNamedParameters(definition.fn, entrypoint.parameters, { flowName: definition.name, takesObject });
  const execution = startFlow({
    definition,
    args,
    host,
    parent: null,
    taskRunner: childRunner(definition.options.taskRunner, host),
    onCreated: (created) => {
      const { id, name } = created.run;
      entrypoint.onStart?.({ id, name, cancel: (reason) => created.cancel(reason) });
    },
  });
  const { run } = execution;
  const state = await execution.outcome;
  return {
    flowRunId: run.id,
    flowRunName: run.name,
    state,
    result: state.type === "COMPLETED" ? state.data : undefined,
  };
}

async function findFlow(file: string, exportName: string | undefined): Promise<FlowDefinition> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new SluiceError(
      "SLUICE_FLOW_NOT_FOUND",
      `There is no file ${file}. Expected path/to/file.ts:flow, relative to the working directory.`,
    );
  }
  const url = pathToFileURL(path).href;
  beginImporting();
  const outcome = await importModule(url);
  if (outcome.error !== undefined) {
    const { message } = asError(outcome.error);
    throw new SluiceError("SLUICE_IMPORT_FAILED", `${file} could not be imported: ${message}`, {
      cause: outcome.error,
    });
  }
  const exported = Object.entries(outcome.exports ?? {}).flatMap(([name, value]) => {
    const definition = definitionOf(value);
    return definition?.kind === "flow" ? [{ name, definition }] : [];
  });
  const defined = functionsOf(url).flatMap(({ definition }) => {
    // The registry holds what flows/callable.ts registered.
    const known = definition as FlowDefinition | { readonly kind: "task" };
    return known.kind === "flow" ? [{ name: known.name, definition: known }] : [];
  });
  return pick(file, exportName, [...exported, ...defined]);
}

interface NamedFlow {
  readonly name: string;
  readonly definition: FlowDefinition;
}

function pick(file: string, exportName: string | undefined, candidates: readonly NamedFlow[]): FlowDefinition {
  const different = [...new Set(candidates.map(({ definition }) => definition))];
  const names = [...new Set(candidates.map(({ name }) => name))].join(", ");
  if (exportName === undefined) {
    const [only, ...others] = different;
    if (only !== undefined && others.length === 0) return only;
    const story =
      only === undefined ? "it defines none" : `it has ${names}; name one as ${file}:${candidates[0]?.name}`;
    throw new SluiceError("SLUICE_FLOW_NOT_FOUND", `Expected exactly one flow in ${file}, but ${story}.`);
  }
  const found =
    candidates.find(({ name }) => name === exportName) ??
    candidates.find(({ definition }) => definition.name === exportName);
  if (found !== undefined) return found.definition;
  throw new SluiceError(
    "SLUICE_FLOW_NOT_FOUND",
    `There is no flow "${exportName}" in ${file}. ${names === "" ? "It defines no flows." : `It has: ${names}.`}`,
  );
}
