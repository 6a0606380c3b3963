import type { StateCreate } from "../../wire/contract/shapes.ts";
import { DATA_CONFLICT, Refusal } from "../api-reply.ts";
import { inputOf, insertInput } from "../db/flow-run-inputs.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { hydrate, HydrationFault, variablesOf } from "../parameters/hydrate.ts";
import { firstFault, SchemaFault, type ObjectSchema } from "../parameters/json-schema.ts";
import { newestStateBody } from "../queries/render.ts";
import { stateNow, type SetStateOutcome } from "./proposals.ts";
import { setFlowRunState, type Deciding } from "./set-flow-run-state.ts";

/** Who resumes, and what is given to the run. */
export interface Resumption {
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>> | null;
  readonly userAgent?: string | undefined;
}

/** Under which keys a pause keeps the schema of what it asks for, and takes the answer. */
interface Keyset {
  readonly schema: string;
  readonly response: string;
}

/**
 * Lets a paused flow run go on: RUNNING, or scheduled again when it was suspended. A run that asked for an input must be given one that fits the schema it
 * has left; the input is stored when the run goes on. Runs inside a write.
 *
 * @throws Refusal 404, 409 when the answer was given before
 */
export function resumeFlowRun(core: Deciding, { id, input, userAgent }: Resumption): SetStateOutcome {
  const { store } = core;
  const row = store.flowRuns.byId(id);
  if (!row) throw new Refusal(404, "Flow run not found");
  const state = stateNow(row);
  if (state?.type !== "PAUSED") {
    const reason = "Cannot resume a flow run that is not paused.";
    return { isNew: false, result: { state: null, status: "ABORT", details: { type: "abort_details", reason } } };
  }
  // Checked by the schema of states; a pause without input has none.
  const keyset = state.details["run_input_keyset"] as Keyset | undefined;
  let answer = input ?? {};
  try {
    if (keyset) answer = checkedAnswer(store, row, { answer, keyset });
  } catch (error) {
    if (error instanceof UnfitAnswer) return rejected(row, error.message);
    throw error;
  }
  const next: StateCreate = state.details.pause_reschedule
    ? { type: "SCHEDULED", name: "Resuming" }
    : { type: "RUNNING" };
  const outcome = setFlowRunState(core, { id, state: next, userAgent });
  if (keyset && outcome.result.status === "ACCEPT" && Object.keys(answer).length > 0) {
    const given = { flow_run_id: id, key: keyset.response, value: JSON.stringify(answer), sender: null };
    if (!insertInput(store, given)) throw new Refusal(409, DATA_CONFLICT);
  }
  return outcome;
}

/** An answer that does not fit what the run asked for. */
class UnfitAnswer extends Error {}

function checkedAnswer(
  store: Store,
  row: FlowRunRow,
  { answer, keyset }: { readonly answer: Readonly<Record<string, unknown>>; readonly keyset: Keyset },
): Record<string, unknown> {
  let filled: Record<string, unknown>;
  try {
    filled = hydrate(answer, { variable: variablesOf(store) });
  } catch (error) {
    if (error instanceof HydrationFault) throw new UnfitAnswer(`Error hydrating run input: ${error.message}`);
    throw error;
  }
  const schema = schemaOf(store, row.id, keyset.schema);
  try {
    const fault = firstFault(filled, schema);
    if (fault !== undefined) throw new UnfitAnswer(`Reason: ${fault}`);
  } catch (error) {
    if (!(error instanceof SchemaFault)) throw error;
    const circular = "Invalid schema: Unable to validate schema with circular references.";
    throw new UnfitAnswer(error.isCircular ? circular : `Reason: Validation failed. Failure reason: ${error.message}`);
  }
  return filled;
}

function schemaOf(store: Store, flowRunId: string, key: string): ObjectSchema {
  const stored = inputOf(store, flowRunId, key);
  if (!stored) throw new UnfitAnswer("Run input schema not found.");
  try {
    // Whatever else the text holds is refused as no schema.
    return JSON.parse(stored.value) as ObjectSchema;
  } catch {
    throw new UnfitAnswer("Run input schema is not valid JSON.");
  }
}

/** Refused as the contract does it: with the details of an abort. */
function rejected(row: FlowRunRow, reason: string): SetStateOutcome {
  const details = { type: "abort_details", reason } as const;
  return { isNew: false, result: { state: newestStateBody(row), status: "REJECT", details } };
}
