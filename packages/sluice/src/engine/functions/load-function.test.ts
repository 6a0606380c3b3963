import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

/**
 * The loader matrix: a program defines functions in every shape a user may write and prints their references; a second process, as a worker does, finds them
 * again from the references alone.
 */
const run = promisify(execFile);
const ENGINE = dirname(fileURLToPath(import.meta.url));
let folder: string;

beforeAll(() => {
  // Not under node_modules: Node strips no types there.
  const parent = join(ENGINE, "../../../.sluice");
  mkdirSync(parent, { recursive: true });
  folder = mkdtempSync(join(parent, "loader-"));
  write("sdk.mjs", SDK);
  write("load.mjs", LOAD);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

/** The least SDK: `task(name, fn)` as the public one defines and halts, and `submit` that prints the reference instead of running. */
const SDK = `
import { defineFunction } from "${ENGINE}/function-registry.ts";
import { haltIfImporting } from "${ENGINE}/import-halt.ts";
export function task(name, fn) {
  const call = (...args) => haltIfImporting(name) ?? Promise.resolve(fn(...args));
  call.reference = defineFunction({ fn, name, kind: "task", definition: fn });
  return call;
}
export const libraryTask = (n) => task("library" + n, (x) => x + n);
export const print = (cases) => console.log("CASES " + JSON.stringify(Object.fromEntries(Object.entries(cases).map(([k, f]) => [k, f.reference]))));
`;

const LOAD = `
import { beginImporting } from "${ENGINE}/import-halt.ts";
import { loadFunction } from "${ENGINE}/load-function.ts";
beginImporting();
const out = {};
for (const [name, reference] of Object.entries(JSON.parse(process.argv[2]))) {
  try { out[name] = await (await loadFunction(reference))(5); }
  catch (error) { out[name] = error.code + ": " + error.message + (error.cause ? " | cause " + error.cause.message : ""); }
}
console.log("LOADED " + JSON.stringify(out));
process.exit(0);
`;

function lineAfter(word: string, output: string): Record<string, unknown> {
  const line = output.split("\n").find((candidate) => candidate.startsWith(word));
  if (line === undefined) throw new Error(`expected a line that starts with ${word}, got: ${output}`);
  // The fixtures print an object of references or outcomes.
  return JSON.parse(line.slice(word.length)) as Record<string, unknown>;
}

/** Runs a fixture as a program and loads what it printed in a second process. */
async function roundTrip(
  file: string,
  edit?: (cases: Record<string, unknown>) => void,
): Promise<Record<string, unknown>> {
  const program = await run(process.execPath, [join(folder, file)]);
  const cases = lineAfter("CASES ", program.stdout);
  edit?.(cases);
  const worker = await run(process.execPath, [join(folder, "load.mjs"), JSON.stringify(cases)], { timeout: 20_000 });
  return lineAfter("LOADED ", worker.stdout);
}

/** A program's parts that differ by module system and language. */
interface Shape {
  readonly imports: string;
  readonly module: string;
  /** Type of a parameter, with its colon; "" in JavaScript. */
  readonly type: string;
  readonly close: string;
}
const shapes = ({ imports, module, type, close }: Shape): string => `
${imports}
${module}
const hidden = task("hidden", async (x${type}) => x + 1);
const sync = task("sync", (x${type}) => x * 2);
const loops = [10, 20].map((n) => task("loop", async (x${type}) => x + n));
const make = (n${type}) => task("made", async (x${type}) => x + n);
const made = make(100);
const library = libraryTask(200);
class Etl { static run = task("static", async (x${type}) => x + 3); }
${close}
`;
const EXPECTED = { exported: 6, hidden: 6, sync: 10, loop0: 15, loop1: 25, made: 105, library: 205, static: 8 };
const CASES =
  "{ exported, hidden, sync, loop0: loops[0], loop1: loops[1], made, library, static: Etl.run, closure, after }";
const ESM = `import { task, libraryTask, print } from "./sdk.mjs";`;
const topAwait = (type: string): string => `await hidden(1);
async function inside(n${type}) { await null; return task("closure", (x${type}) => x + n); }
const closure = await inside(1);
const after = task("after", (x${type}) => x + 4);
print(${CASES});`;
const mainCall = (type: string): string => `async function main() {
  await new Promise((resolve) => setTimeout(resolve, 5));
  await hidden(1);
  const closure = task("closure", (x${type}) => x);
  print(${CASES});
}
main();
const after = task("after", (x${type}) => x + 4);`;

test.each([
  [
    "esm.mjs",
    shapes({
      imports: ESM,
      module: `export const exported = task("exported", async (x) => x + 1);`,
      type: "",
      close: topAwait(""),
    }),
    "halts",
  ],
  [
    "typed.ts",
    shapes({
      imports: ESM,
      module: `export const exported = task("exported", async (x: number) => x + 1);`,
      type: ": number",
      close: topAwait(": number"),
    }),
    "halts",
  ],
  [
    "main.mjs",
    shapes({
      imports: ESM,
      module: `export const exported = task("exported", async (x) => x + 1);`,
      type: "",
      close: mainCall(""),
    }),
    "goes on",
  ],
  [
    "common.cjs",
    shapes({
      imports: `const { task, libraryTask, print } = require("./sdk.mjs");`,
      module: `const exported = (exports.exported = task("exported", async (x) => x + 1));`,
      type: "",
      close: mainCall(""),
    }),
    "goes on",
  ],
  [
    "typed.cts",
    shapes({
      imports: `const { task, libraryTask, print } = require("./sdk.mjs");`,
      module: `const exported = task("exported", async (x: number) => x + 1);`,
      type: ": number",
      close: mainCall(": number"),
    }),
    "goes on",
  ],
])("finds every shape of declaration again in %s", async (file, text, evaluation) => {
  write(file, text);
  const { closure, after, ...found } = await roundTrip(file);
  expect(found).toEqual(EXPECTED);
  expect(closure).toMatch(/SLUICE_NOT_PORTABLE: .*"closure"/);
  if (evaluation === "goes on") expect(after).toBe(9);
  else
    expect(after).toMatch(
      new RegExp(`SLUICE_FUNCTION_NOT_FOUND: .*"after".*halted before it, at the call of "hidden" at .*:\\d+:\\d+`),
    );
});

test("finds functions of an imported module and of a default export", async () => {
  write(
    "lib.mjs",
    `${ESM}\nexport default task("dflt", (x) => x + 9);\nexport const named = task("named", (x) => x + 8);`,
  );
  write("uses.mjs", `${ESM}\nimport dflt, { named } from "./lib.mjs";\nprint({ dflt, named });`);
  expect(await roundTrip("uses.mjs")).toEqual({ dflt: 14, named: 13 });
});

test("keeps main().catch(exit) of a program from ending the worker", async () => {
  write(
    "catching.mjs",
    `${ESM}\nconst one = task("one", (x) => x);\nasync function main() { await one(1); print({ one }); }\nmain().catch(() => process.exit(7));`,
  );
  expect(await roundTrip("catching.mjs")).toEqual({ one: 5 });
});

test("gives a module time for a top-level await of its own", async () => {
  write(
    "slow.mjs",
    `${ESM}\nconst one = task("one", (x) => x + base);\nawait new Promise((r) => setTimeout(r, 100));\nconst base = 7;\nprint({ one });`,
  );
  expect(await roundTrip("slow.mjs")).toEqual({ one: 12 });
});

test("refuses a function whose source has changed", async () => {
  write("edited.mjs", `${ESM}\nconst one = task("one", (x) => x);\nprint({ one });`);
  const found = await roundTrip("edited.mjs", () =>
    write("edited.mjs", `${ESM}\nconst one = task("one", (x) => x + 1);`),
  );
  expect(found["one"]).toMatch(/SLUICE_FUNCTION_CHANGED: .*"one"/);
});

test("reports a module that fails in the worker with its own error", async () => {
  write(
    "fails.mjs",
    `${ESM}\nif (process.argv[1].endsWith("load.mjs")) throw new Error("only in main");\nconst one = task("one", (x) => x);\nprint({ one });`,
  );
  expect((await roundTrip("fails.mjs"))["one"]).toMatch(
    /SLUICE_IMPORT_FAILED: .*only in main.* \| cause only in main/s,
  );
});

test("comes back for a function that the module defines only in the main program", async () => {
  write("absent.mjs", `${ESM}\nif (!process.argv[1].endsWith("load.mjs")) print({ one: task("one", (x) => x) });`);
  expect((await roundTrip("absent.mjs"))["one"]).toMatch(/SLUICE_FUNCTION_NOT_FOUND: .*without defining it/);
});
