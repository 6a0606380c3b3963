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
  readonly root: {
    readonly tasks: readonly { readonly counts: { readonly COMPLETED?: number } }[];
    readonly flow_runs: readonly { readonly state_type: string }[];
  };
}

/** Resolves when n task runs of the flow run are readable as COMPLETED; rejects after a minute with how many there are. */
export async function untilTasksRecorded(flowRunId: string, n: number): Promise<void> {
  await untilCount(flowRunId, n, (tree) =>
    tree.root.tasks.reduce((sum, group) => sum + (group.counts.COMPLETED ?? 0), 0),
  );
}

/** Resolves when n subflow runs of the flow run are readable as COMPLETED; rejects after a minute with how many there are. */
export async function untilSubflowsRecorded(flowRunId: string, n: number): Promise<void> {
  await untilCount(flowRunId, n, (tree) => tree.root.flow_runs.filter((run) => run.state_type === "COMPLETED").length);
}

async function untilCount(flowRunId: string, n: number, count: (tree: Tree) => number): Promise<void> {
  const deadlineMs = performance.now() + RECORDED_TIMEOUT_MS;
  for (;;) {
    const recorded = count(await readTree(flowRunId));
    if (recorded === n) return;
    if (performance.now() > deadlineMs) {
      throw new Error(
        `${recorded} of ${n} runs of flow run ${flowRunId} are COMPLETED in the store after ${RECORDED_TIMEOUT_MS} ms.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function readTree(flowRunId: string): Promise<Tree> {
  const home = process.env["SLUICE_HOME"];
  if (home === undefined) throw new Error("Expected SLUICE_HOME to be set by the process that started this case.");
  const socketPath = join(home, "run", "api.sock");
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path: `/api/sluice/flow_runs/${flowRunId}/tree` }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (body += chunk));
      answer.on("end", () => {
        if (answer.statusCode !== 200)
          reject(new Error(`The tree of ${flowRunId} answered ${answer.statusCode}: ${body}`));
        else resolve(JSON.parse(body) as Tree); // the contract of this operation has these fields
      });
      answer.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
