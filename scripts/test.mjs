/**
 * `npm test`: sets the repository up and runs every check and every test; closes with the line `N passed, N failed`
 * (`, N skipped` when there are any), in which each check counts as one test. The exit code is 1 when something failed.
 *
 * Arguments go to vitest: `npm test -- packages/sluice/src/rules`. `npm run test:interop` (`--interop` as the first one) builds
 * and runs `tests/interop` alone: our server, Prefect's clients and a real Prefect server; `npm run test:ray` (`--ray`) those on Ray clusters.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine } from "./closing-line.mjs";
import { prepareBrowser } from "./browser.mjs";
import { preparePython } from "./python-env.mjs";
import { findNode } from "./repo-node.mjs";
import { runProgram } from "./run-program.mjs";
import { build, installDependencies } from "./setup.mjs";

await installDependencies();

const node = findNode();
const tool = (path, ...args) => runProgram(node, [join("node_modules", path), ...args]);
const [first, ...others] = process.argv.slice(2);
/** Parts that are also run alone: what they run. */
const parts = {
  "--interop": ["tests/interop"],
  "--ray": ["packages/sluice/src/runners/ray", "tests/clusters/ray.test.ts", "tests/clusters/ray-jobs.test.ts"],
};
const part = parts[first];
const vitestArgs = part === undefined ? process.argv.slice(2) : others.length > 0 ? others : part;

const allChecks = [
  { name: "build", run: build },
  { name: "format", run: () => tool("oxfmt/bin/oxfmt", "--check") },
  { name: "lint", run: () => tool("oxlint/bin/oxlint", "--quiet") },
  {
    name: "types of tests, examples and benchmarks",
    run: () => tool("typescript/bin/tsc", "-p", "tsconfig.tests.json"),
  },
  { name: "unused code", run: () => tool("knip/bin/knip.js", "--no-progress") },
];

const checks = part !== undefined ? allChecks.slice(0, 1) : allChecks;

const tally = { passed: 0, failed: 0, skipped: 0 };

/** Adds what vitest counted; a run that ended without its count, or failed outside a test, is one failure more. */
async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), "sluice-tally-"));
  const file = join(folder, "tally.json");
  try {
    const code = await runProgram(node, ["node_modules/vitest/vitest.mjs", "run", ...vitestArgs], {
      TEST_TALLY_FILE: file,
    });
    const counted = JSON.parse(readFileSync(file, "utf8"));
    for (const key of Object.keys(tally)) tally[key] += counted[key];
    if (code !== 0 && counted.failed === 0) tally.failed += 1;
  } catch (error) {
    console.error(`vitest ended without its count: ${error.message}`);
    tally.failed += 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What some tests need beside Node: a machine without it runs all others, and is told. */
const interopNeeds = [
  { tests: "the tests with the real Prefect (tests/interop)", prepare: () => preparePython("prefect") },
  {
    tests: "the comparison of generated requests (tests/interop/generated.test.ts)",
    prepare: () => preparePython("interop"),
  },
];
const rayNeeds = [{ tests: "the tests on Ray clusters", prepare: () => preparePython("ray") }];
const allNeeds = [
  ...interopNeeds,
  { tests: "the tests on Dask clusters", prepare: () => preparePython("dask") },
  ...["dask-2025.4", "dask-2025.12"].map((name) => ({
    tests: `the tests on a cluster of ${name}`,
    prepare: () => preparePython(name),
  })),
  ...rayNeeds,
  { tests: "the tests in a browser (tests/browser)", prepare: prepareBrowser },
];

function prepareNeeds(needs) {
  for (const { tests, prepare } of needs) {
    try {
      prepare();
    } catch (error) {
      console.error(`\nSKIPPED: ${tests} do not run: ${error.message}\n`);
    }
  }
}

for (const check of checks) {
  const code = await check.run();
  tally[code === 0 ? "passed" : "failed"] += 1;
  console.log(`${code === 0 ? "ok" : "FAILED"}  ${check.name}`);
}
if (first === "--interop") prepareNeeds(interopNeeds);
else if (first === "--ray") prepareNeeds(rayNeeds);
else if (vitestArgs.length === 0) prepareNeeds(allNeeds);
await runTests();
console.log(closingLine(tally));
process.exitCode = tally.failed === 0 ? 0 : 1;
