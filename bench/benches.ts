import type { Bench } from "./sample.ts";

/** Every bench by name. Each is loaded only where it is run, so that no case carries the memory of another's libraries. */
const BENCHES = {
  tasks: async () => (await import("./suites/tasks.ts")).tasks,
  subflows: async () => (await import("./suites/subflows.ts")).subflows,
  cpu: async () => (await import("./suites/cpu.ts")).cpu,
  cold: async () => (await import("./suites/cold.ts")).cold,
  runner: async () => (await import("./suites/runner.ts")).runner,
  server: async () => (await import("./suites/server.ts")).server,
  dask: async () => (await import("./suites/dask.ts")).dask,
  ray: async () => (await import("./suites/ray.ts")).ray,
} satisfies Record<string, () => Promise<Bench>>;

/** Names that `npm run bench -- NAME` takes. */
export const BENCH_NAMES: readonly string[] = Object.keys(BENCHES);

/** Loads a bench; throws an error that lists the names when there is none of this name. */
export async function loadBench(name: string): Promise<Bench> {
  const entry = Object.entries(BENCHES).find(([key]) => key === name);
  if (entry === undefined) {
    throw new Error(`There is no bench named "${name}". Use one of: ${BENCH_NAMES.join(", ")}.`);
  }
  return entry[1]();
}
