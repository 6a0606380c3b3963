import { isSluiceError } from "../../wire/errors.ts";
import type { ResultReference } from "../../wire/run-record.ts";
import { journalKey } from "../context/child-identity.ts";
import type { EarlierChildren, FinishedChild } from "../context/frame.ts";
import type { EngineHost } from "../host.ts";
import { decodeResult, isExpired } from "../results/result-codec.ts";

/** Rows that the store gives at once. */
const PAGE = 200;

/** What is looked at of a task run, as the API gives it. */
interface TaskRow {
  readonly id: string;
  readonly task_key: string;
  readonly dynamic_key: string;
  readonly state: {
    readonly data: ResultReference | null;
    readonly state_details: { readonly child_flow_run_id: string | null };
  } | null;
}

/**
 * The children of a flow run that earlier executions of it have finished, and whose results are kept: what a process that executes the run again may adopt; and the subflows that they have called and
 * not finished, whose own children a call of the same subflow may adopt in turn.
 *
 * @param flowRunIds the run itself; for a called subflow, which is a run of its own each time, those of the earlier calls
 * @returns by the key of the journal; empty where the store cannot say
 */
export async function earlierChildren(host: EngineHost, flowRunIds: readonly string[]): Promise<EarlierChildren> {
  const [finished, called] = await Promise.all([finishedOf(host, flowRunIds), calledOf(host, flowRunIds)]);
  return { finished, begun: new Map([...called].filter(([key]) => !finished.has(key))) };
}

async function finishedOf(host: EngineHost, flowRunIds: readonly string[]): Promise<Map<string, FinishedChild>> {
  const finished = new Map<string, FinishedChild>();
  const filter = { flow_run_id: { any_: flowRunIds }, state: { type: { any_: ["COMPLETED"] } } };
  for await (const rows of pagesOf<TaskRow>(host, "task_runs", filter)) {
    for (const row of rows) {
      const reference = row.state?.data;
      if (reference?.type !== "reference") continue;
      finished.set(journalKey(row.task_key, row.dynamic_key), {
        runId: row.state?.state_details.child_flow_run_id ?? row.id,
        stored: () => readStored(host, reference),
      });
    }
  }
  return finished;
}

/** Ids of subflow runs by the identity of their call: a subflow that was called anew in each execution has several. */
async function calledOf(host: EngineHost, flowRunIds: readonly string[]): Promise<Map<string, readonly string[]>> {
  const called = new Map<string, readonly string[]>();
  for await (const subflows of pagesOf<SubflowRow>(host, "flow_runs", { parent_flow_run_id: { any_: flowRunIds } })) {
    const runs = new Map(subflows.map(({ id, parent_task_run_id }) => [parent_task_run_id ?? "", id]));
    for await (const rows of pagesOf<TaskRow>(host, "task_runs", { id: { any_: [...runs.keys()] } })) {
      for (const row of rows) {
        const key = journalKey(row.task_key, row.dynamic_key);
        called.set(key, [...(called.get(key) ?? []), runs.get(row.id) ?? ""]);
      }
    }
  }
  return called;
}

/** A subflow run, as the API gives it. */
interface SubflowRow {
  readonly id: string;
  /** Its tracking task run in the parent. */
  readonly parent_task_run_id: string | null;
}

/** The rows that a filter chooses, a page at a time. Ends where the store does not answer: without its earlier children a run is executed as if for the first time. */
async function* pagesOf<Row>(host: EngineHost, noun: string, filter: object): AsyncGenerator<readonly Row[]> {
  for (let offset = 0; ; offset += PAGE) {
    const body = JSON.stringify({ [noun]: filter, sort: "ID_DESC", limit: PAGE, offset });
    const answer = await host.transport.send({ method: "POST", path: `/api/${noun}/filter`, body });
    if (answer.status !== 200) return;
    const rows = JSON.parse(answer.body) as readonly Row[]; // the contract's
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
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
