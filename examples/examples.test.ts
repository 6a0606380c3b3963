import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { daskPython, normalise, promisedOutput, readExample, runExample } from "./example-output.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const notExamples = new Set(["example-output.ts"]);
const onDask = new Set(["dask.ts", "one-process-to-cluster.ts"]);
const examples = readdirSync(folder).filter(
  (name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !notExamples.has(name),
);

for (const name of examples) {
  test.skipIf(onDask.has(name) && !existsSync(daskPython))(
    `${name} prints what it says at its end`,
    { timeout: 90_000 },
    async () => {
      const promised = promisedOutput(readExample(name));
      const run = await runExample(`${folder}${name}`);
      expect(run.exitCode, run.stderr).toBe(0);
      expect(normalise(run.stdout), run.stderr).toBe(normalise(promised ?? "(the example has no // Output: block)"));
    },
  );
}
