/**
 * Entry of the process that loads a server, so that its CPU is not counted as the server's: started with `fork`; each message is a {@link LoadPlan}, each
 * answer a {@link LoadReport}.
 */
import { type LoadOutcome, runClosedLoop } from "./closed-loop.ts";
import { requestsOf, type LoadPlan } from "./load-plans.ts";

/** How a plan went; `ids` are those of the runs that were made. */
export interface LoadReport {
  readonly outcome: LoadOutcome;
  readonly ids: readonly string[];
}

async function run(plan: LoadPlan): Promise<LoadReport> {
  const { port, connections, n } = plan;
  const ids: string[] = [];
  const keep = (_index: number, body: string): void => {
    const id = /"id":"([0-9a-f-]{36})"/.exec(body)?.[1];
    if (id !== undefined) ids.push(id);
  };
  const load = { port, connections, n, request: requestsOf(plan) };
  const outcome = await runClosedLoop(plan.kind === "create-flow-runs" ? { ...load, onAnswer: keep } : load);
  return { outcome, ids };
}

process.on("message", (plan: LoadPlan) => {
  run(plan).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
