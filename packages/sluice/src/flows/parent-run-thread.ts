/** Runs in the thread that `parent-run-watch.ts` starts: asks the server now and then how the parent's flow run is, and what is to be cancelled. */
import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { CsrfTransport } from "../client/csrf-transport.ts";
import { HttpTransport } from "../client/http-transport.ts";
import type { ApiRequest } from "../client/transport.ts";
import { killOwnGroup } from "../runners/far-side/parent-watch.ts";
import { isSluiceError } from "../wire/errors.ts";
import { FINAL_STATE_TYPES } from "../wire/state-types.ts";
import type { ParentRunNews, ParentRunPlan } from "./parent-run-watch.ts";

const LOOK_MS = 5000;

const { address, flowRunId, graceMs, retryForMs } = workerData as ParentRunPlan; // given by watchParentRun
const transport = new CsrfTransport(new HttpTransport(address, { retryForMs }));
const told = new Set<string>();
let over: string | undefined;
do {
  await delay(LOOK_MS);
  over = await look();
} while (over === undefined);
tell({ role: "over", reason: over });
await delay(graceMs);
killOwnGroup();

function tell(news: ParentRunNews): void {
  parentPort?.postMessage(news);
}

/** Why nobody waits for this run any more; undefined while somebody may. */
async function look(): Promise<string | undefined> {
  try {
    const parent = await ask({ method: "GET", path: `/api/flow_runs/${flowRunId}` });
    if (parent === 404) return "The flow run that it belongs to was deleted.";
    const { state_type: state } = parent as { readonly state_type?: string | null }; // the contract's flow run
    if (FINAL_STATE_TYPES.some((type) => type === state)) {
      return `The flow run that it belongs to is over (${String(state)}).`;
    }
    await lookForCancelled();
    return undefined;
  } catch (error) {
    if (isSluiceError(error, "SLUICE_API_UNREACHABLE")) return "The server that it reports to is gone.";
    throw error;
  }
}

/** Who has asked for it reaches the root process alone, from which nothing leads into a job: whatever runs here or below is stopped, other ids are unknown here. */
async function lookForCancelled(): Promise<void> {
  const filter = { flow_runs: { state: { type: { any_: ["CANCELLING"] } } } };
  const found = await ask({ method: "POST", path: "/api/flow_runs/filter", body: JSON.stringify(filter) });
  if (!Array.isArray(found)) return;
  const runs = found as readonly { readonly id: string }[]; // the contract's flow runs
  const ids = runs.map(({ id }) => id).filter((id) => !told.has(id));
  for (const id of ids) told.add(id);
  if (ids.length > 0) tell({ role: "cancelling", ids });
}

/** The server's answer; 404 where there is no such thing, an empty object for any other refusal: it is asked again. */
async function ask(request: ApiRequest): Promise<unknown> {
  const { status, body } = await transport.send(request);
  if (status === 404) return 404;
  return status === 200 ? JSON.parse(body) : {};
}
