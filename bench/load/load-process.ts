/**
 * Entry of the process that loads a server, so that its CPU is not counted as the server's: started with `fork`; each message is a {@link LoadPlan}, each
 * answer a {@link LoadReport}.
 */
import { type LoadOutcome, runClosedLoop } from "./closed-loop.ts";
import { requestsOf, WRITES, type LoadPlan } from "./load-plans.ts";

/** How a plan went. */
export interface LoadReport {
  readonly outcome: LoadOutcome;
  /** Of the runs that were made. */
  readonly ids: readonly string[];
  /** How many requests of each kind were answered with success; of the plan "writers". */
  readonly written: Readonly<Record<(typeof WRITES)[number], number>>;
}

async function run(plan: LoadPlan): Promise<LoadReport> {
  const { port, connections, n, seconds } = plan;
  const ids: string[] = [];
  const written = { "flow-run": 0, transition: 0, logs: 0, events: 0 };
  const count = (index: number): void => {
    const kind = WRITES[index % WRITES.length];
    if (kind !== undefined) written[kind]++;
  };
  const keep = (_index: number, body: string): void => {
    const id = /"id":"([0-9a-f-]{36})"/.exec(body)?.[1];
    if (id !== undefined) ids.push(id);
  };
  const listeners: Partial<Record<LoadPlan["kind"], (index: number, body: string) => void>> = {
    "create-flow-runs": keep,
    writers: count,
  };
  const onAnswer = listeners[plan.kind];
  const outcome = await runClosedLoop({
    port,
    connections,
    n,
    request: requestsOf(plan),
    ...(seconds === undefined ? {} : { seconds }),
    ...(onAnswer ? { onAnswer } : {}),
  });
  return { outcome, ids, written };
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
