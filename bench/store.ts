import { request } from "node:http";
import { join } from "node:path";

/**
 * Reads from the store what has been recorded, as a stranger would: by a request to the home's socket, not from this process's memory.
 *
 * A flow that has returned has been recorded already, so one request is the rule; the wait is there for when that were not true.
 */
const RECORDED_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

/** The parts of the answer of `GET /api/sluice/flow_runs/{id}/tree` that are looked at. */
interface Tree {
  readonly root: { readonly tasks: readonly { readonly counts: { readonly COMPLETED?: number } }[] };
}

/** Resolves when n task runs of the flow run are readable as COMPLETED; rejects after a minute with how many there are. */
export async function untilTasksRecorded(flowRunId: string, n: number): Promise<void> {
  await untilCount(n, async () => {
    const answer = await ask("GET", `/api/sluice/flow_runs/${flowRunId}/tree`);
    const { tasks } = (JSON.parse(answer) as Tree).root; // the contract of this operation has these fields
    return tasks.reduce((sum, group) => sum + (group.counts.COMPLETED ?? 0), 0);
  });
}

/** Resolves when n subflow runs of the flow run are readable as COMPLETED; rejects after a minute with how many there are. */
export async function untilSubflowsRecorded(flowRunId: string, n: number): Promise<void> {
  const filter = { parent_flow_run_id: { any_: [flowRunId] }, state: { type: { any_: ["COMPLETED"] } } };
  await untilCount(n, async () =>
    Number(await ask("POST", "/api/flow_runs/count", JSON.stringify({ flow_runs: filter }))),
  );
}

async function untilCount(n: number, count: () => Promise<number>): Promise<void> {
  const deadlineMs = performance.now() + RECORDED_TIMEOUT_MS;
  for (;;) {
    const recorded = await count();
    if (recorded === n) return;
    if (performance.now() > deadlineMs) {
      throw new Error(`${recorded} of ${n} runs are COMPLETED in the store after ${RECORDED_TIMEOUT_MS} ms.`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Sends one request to the home's socket and resolves to the body of its answer; rejects unless it is 200. */
function ask(method: "GET" | "POST", path: string, body?: string): Promise<string> {
  const home = process.env["SLUICE_HOME"];
  if (home === undefined) throw new Error("Expected SLUICE_HOME to be set by the process that started this case.");
  const socketPath = join(home, "run", "api.sock");
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const outgoing = request({ socketPath, method, path, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`${method} ${path} answered ${answer.statusCode}: ${text}`));
      });
      answer.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
