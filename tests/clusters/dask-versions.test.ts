import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startDask } from "./dask-processes.ts";
import { Bench } from "./program.ts";

/*
 * Clusters of the releases that are supported: the oldest one, one in between, and the newest (all other tests).
 */
const binOf = (name: string): string => fileURLToPath(new URL(`../../.venv/${name}/bin/`, import.meta.url));

describe.each(["dask-2025.4", "dask-2025.12"])("a cluster of %s", (name) => {
  const bin = binOf(name);
  test.skipIf(!existsSync(bin))(
    "runs subflows, their tasks, large values and Python's functions",
    { timeout: 120_000 },
    async () => {
      const dask = await startDask(2, { bin });
      const bench = new Bench(dask.address);
      try {
        expect(await bench.valueOf("master", [3, 2])).toEqual([
          [0, 1, 4],
          [0, 1],
        ]);
        expect(await bench.valueOf("large")).toEqual([[8_388_608, 7, [1000, 8_388_608]], 8_388_608, 7]);
        expect(await bench.valueOf("python")).toMatchObject({ root: 12, compressed: true });
        expect(await bench.valueOf("ordered")).toEqual(["high", "middle", "low"]);
      } finally {
        bench.remove();
        await dask.stop();
      }
    },
  );
});
