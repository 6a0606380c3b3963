import { describe } from "vitest";
import { hasRayPython, localRay } from "../clusters.fixture.ts";
import { testTaskRunner } from "../task-runner.testsuite.ts";

describe.skipIf(!hasRayPython)("on a cluster of this machine", { timeout: 90_000 }, () => {
  testTaskRunner("RayTaskRunner", {
    make: (maxWorkers) => localRay(maxWorkers),
    makeSmall: () => localRay(1, { nodeOptions: ["--max-old-space-size=64"] }),
  });
});
