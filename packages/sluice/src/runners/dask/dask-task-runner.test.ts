import { describe } from "vitest";
import { hasDaskPython, localDask } from "../clusters.fixture.ts";
import { testTaskRunner } from "../task-runner.testsuite.ts";

describe.skipIf(!hasDaskPython)("on a temporary cluster", { timeout: 60_000 }, () => {
  testTaskRunner("DaskTaskRunner", {
    make: (maxWorkers) => localDask(maxWorkers),
    makeSmall: () => localDask(1, { nodeOptions: ["--max-old-space-size=64"] }),
  });
});
