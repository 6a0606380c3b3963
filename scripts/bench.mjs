/** `npm run bench -- NAME [--json]`: sets the repository up and runs a benchmark. */
import { findNode } from "./repo-node.mjs";
import { runProgram } from "./run-program.mjs";
import { setUp } from "./setup.mjs";

await setUp();
process.exitCode = await runProgram(findNode(), ["bench/run.ts", ...process.argv.slice(2)]);
