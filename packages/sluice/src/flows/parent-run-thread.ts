/** Runs in the thread that `parent-run-watch.ts` starts: asks the server now and then how the parent's flow run is. */
import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { HttpTransport } from "../client/http-transport.ts";
import { isSluiceError } from "../wire/errors.ts";
import { FINAL_STATE_TYPES } from "../wire/state-types.ts";
import { killOwnGroup } from "../runners/far-side/parent-watch.ts";
import type { ParentRunPlan } from "./parent-run-watch.ts";

const LOOK_MS = 5000;

const { address, flowRunId, graceMs, retryForMs } = workerData as ParentRunPlan; // given by watchParentRun
const transport = new HttpTransport(address, { retryForMs });
let news: string | undefined;
do {
  await delay(LOOK_MS);
  news = await newsOf();
} while (news === undefined);
parentPort?.postMessage(news);
await delay(graceMs);
killOwnGroup();

/** Why nobody waits for this run any more; undefined while somebody may. */
async function newsOf(): Promise<string | undefined> {
  try {
    const { status, body } = await transport.send({ method: "GET", path: `/api/flow_runs/${flowRunId}` });
    if (status === 404) return "The flow run that it belongs to was deleted.";
    if (status !== 200) return undefined;
    const { state_type: state } = JSON.parse(body) as { readonly state_type: string | null }; // the contract's flow run
    const isOver = FINAL_STATE_TYPES.some((type) => type === state);
    return isOver ? `The flow run that it belongs to is over (${String(state)}).` : undefined;
  } catch (error) {
    if (isSluiceError(error, "SLUICE_API_UNREACHABLE")) return "The server that it reports to is gone.";
    throw error;
  }
}
