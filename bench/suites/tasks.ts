import { prefectCase } from "../peers/prefect/prefect-case.ts";
import type { Bench, BenchCase, Sample, Scale } from "../sample.ts";
import { startStopwatch } from "../stopwatch.ts";
import { untilTasksRecorded } from "../store.ts";

/** Tasks of the flow that brings home and store up and the code to speed before anything is measured; its reading counts as little. */
const WARM_UP_TASKS = 1000;

/** No-op task runs: until the flow returned, and until every one of them is readable as COMPLETED in the store. */
export const tasks: Bench = {
  name: "tasks",
  about: "no-op tracked tasks",
  cases: (scale) => [
    ...sizes(scale).map(streamCase),
    fanOutCase(scale === "full" ? 10_000 : 100),
    awaitedCase("sequence", scale === "full" ? 1000 : 100),
    awaitedCase("awaited", scale === "full" ? 100_000 : 200),
    prefectCase("tasks", scale),
  ],
};

function sizes(scale: Scale): readonly number[] {
  return scale === "full" ? [1000, 10_000, 100_000, 1_000_000] : [100];
}

/** Submitted through a window of open ones, the way for any number: `mapStream`. */
function streamCase(n: number): BenchCase {
  return {
    id: `stream-${n}`,
    timeoutSeconds: 300,
    measure: async () => {
      const { streamTasks } = await import("../flows/noop.ts");
      return measureUntilRecorded(() => streamTasks(n), n, { returned: "tasks/returned", recorded: "tasks/recorded" });
    },
  };
}

/** All submitted at once, then awaited together. */
function fanOutCase(n: number): BenchCase {
  return {
    id: "fan-out",
    timeoutSeconds: 120,
    measure: async () => {
      const { fanOutTasks } = await import("../flows/noop.ts");
      return measureUntilRecorded(() => fanOutTasks(n), n, { recorded: "tasks/fan-out" });
    },
  };
}

/** Called and awaited one by one. */
function awaitedCase(id: "sequence" | "awaited", n: number): BenchCase {
  return {
    id,
    timeoutSeconds: 120,
    measure: async () => {
      const { awaitTasks } = await import("../flows/noop.ts");
      return measureUntilRecorded(() => awaitTasks(n), n, { recorded: `tasks/${id}` });
    },
  };
}

async function measureUntilRecorded(
  runFlow: () => Promise<string>,
  n: number,
  names: { readonly returned?: string; readonly recorded: string },
): Promise<readonly Sample[]> {
  const { streamTasks } = await import("../flows/noop.ts");
  await untilTasksRecorded(await streamTasks(WARM_UP_TASKS), WARM_UP_TASKS);
  const watch = startStopwatch();
  const flowRunId = await runFlow();
  const returned = names.returned === undefined ? [] : [watch.sample(names.returned, n)];
  await untilTasksRecorded(flowRunId, n);
  return [...returned, watch.sample(names.recorded, n)];
}
