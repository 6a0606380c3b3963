import { isSluiceError } from "../../wire/errors.ts";
import type { ResultReference } from "../../wire/run-record.ts";
import { journalKey } from "../context/child-identity.ts";
import type { FinishedChild } from "../context/frame.ts";
import type { EngineHost } from "../host.ts";
import { decodeResult, isExpired } from "../results/result-codec.ts";

/** Rows that the store gives at once. */
const PAGE = 200;

/** What is looked at of a task run, as the API gives it. */
interface FinishedRow {
  readonly id: string;
  readonly task_key: string;
  readonly dynamic_key: string;
  readonly state: {
    readonly data: ResultReference | null;
    readonly state_details: { readonly child_flow_run_id: string | null };
  } | null;
}

/**
 * The children of a flow run that an earlier execution of it has finished, and whose results are kept: what a process that executes the run again may adopt.
 *
 * @returns by the key of the journal; empty where the store cannot say
 */
export async function finishedChildren(host: EngineHost, flowRunId: string): Promise<Map<string, FinishedChild>> {
  const journal = new Map<string, FinishedChild>();
  for (let offset = 0; ; offset += PAGE) {
    const filter = {
      task_runs: { flow_run_id: { any_: [flowRunId] }, state: { type: { any_: ["COMPLETED"] } } },
      sort: "ID_DESC",
      limit: PAGE,
      offset,
    };
    const answer = await host.transport.send({
      method: "POST",
      path: "/api/task_runs/filter",
      body: JSON.stringify(filter),
    });
    // Without its earlier children a run is executed as if for the first time.
    if (answer.status !== 200) return journal;
    const rows = JSON.parse(answer.body) as readonly FinishedRow[]; // the contract's TaskRun
    for (const row of rows) {
      const reference = row.state?.data;
      if (reference?.type !== "reference") continue;
      journal.set(journalKey(row.task_key, row.dynamic_key), {
        runId: row.state?.state_details.child_flow_run_id ?? row.id,
        stored: () => readStored(host, reference),
      });
    }
    if (rows.length < PAGE) return journal;
  }
}

async function readStored(
  host: EngineHost,
  reference: ResultReference,
): Promise<{ readonly value: unknown } | undefined> {
  try {
    const stored = await host.results().read(reference.storage_key);
    if (stored === undefined || isExpired(stored.reference, host.clock.nowUs() / 1000)) return undefined;
    return { value: decodeResult(stored) };
  } catch (error) {
    // Kept on the disk of another node, or damaged: the child runs again.
    if (isSluiceError(error, "SLUICE_RESULT_MISSING")) return undefined;
    throw error;
  }
}
