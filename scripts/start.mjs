/** `npm start`: sets the repository up and runs the main job, the audit of the installed dependencies. */
import { findNode } from "./repo-node.mjs";
import { runProgram } from "./run-program.mjs";
import { setUp } from "./setup.mjs";

await setUp();
process.exitCode = await runProgram(findNode(), ["examples/audit-dependencies/main.ts", ...process.argv.slice(2)]);
