import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer } from "sluice/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contractFolder, generatorPython, python, runPython, startRealServer } from "./python.ts";

/*
 * Requests made up from the contract, the same ones every time, to a real Prefect server and to ours, both fresh: the answers have the same status and the
 * same value. Five cases an operation, fewer where there are not five different ones. `npm test` makes both Python environments (`scripts/python-env.mjs`).
 */
const CASES_EACH = 5;
const MOST_DIFFERENT = 0.02;
const TIMEOUT_MS = 400_000;
const contract = fileURLToPath(new URL("../../contract/openapi.json", import.meta.url));
const isReady = existsSync(python) && existsSync(generatorPython);
/** Loops that change things between two requests, or answer to events of a made-up trigger with events that trigger it again. */
const LOOPS = ["TRIGGERS", "SCHEDULER", "LATE_RUNS", "FOREMAN"];

/** A difference as `diff_generated.py` prints it; the first of each pair is the real server's. */
interface Difference {
  readonly case: string;
  readonly statuses: readonly [real: number, ours: number];
  readonly difference: string;
  readonly request: string;
  readonly answers: readonly [real: string, ours: string];
}

/** The last line that `diff_generated.py` prints. */
interface Totals {
  readonly cases: number;
  readonly same: number;
  readonly different: number;
  readonly successes: number;
  readonly asked_again: number;
}

/** What differs on purpose, and why. */
const EXPLAINED: readonly { readonly why: string; readonly covers: (one: Difference) => boolean }[] = [
  {
    why: "the real server fails (5xx) where ours answers",
    covers: ({ statuses: [real, ours] }) => real >= 500 && ours < 500,
  },
  {
    why: "ours has the block types that come with Prefect itself, not those of other packages",
    covers: ({ case: name, statuses }) =>
      /^POST \/block_(?:types|schemas)\/filter /.test(name) && statuses.every((status) => status === 200),
  },
  {
    why: "each server shows its own settings",
    covers: ({ case: name, statuses }) =>
      name === "GET /admin/settings #1" && statuses.every((status) => status === 200),
  },
  {
    why: "the real server shows the SQL that failed",
    covers: ({ answers: [real, ours] }) =>
      real.includes("(sqlite3.IntegrityError)") && ours.includes("Data integrity conflict."),
  },
];

let folder: string;
let totals: Totals;
let differences: readonly Difference[] = [];

async function compare(): Promise<string> {
  mkdirSync(join(folder, "real"));
  const loopsOff = Object.fromEntries(LOOPS.map((loop) => [`PREFECT_SERVER_SERVICES_${loop}_ENABLED`, "false"]));
  const cases = join(folder, "cases.jsonl");
  const making = ["--openapi", contract, "--cases", String(CASES_EACH), "--out", cases];
  const made = await runPython([join(contractFolder, "generate_cases.py"), ...making], {
    cwd: folder,
    timeoutMs: TIMEOUT_MS,
    interpreter: generatorPython,
  });
  if (made.code !== 0) throw new Error(made.output);
  const real = await startRealServer(join(folder, "real"), loopsOff);
  const settings = { triggersEnabled: false, schedulerEnabled: false, lateRunsEnabled: false, foremanEnabled: false };
  const ours = await startServer({ port: 0, home: join(folder, "ours"), settings });
  try {
    const args = [join(contractFolder, "diff_generated.py"), "--a", real.apiUrl, "--b", ours.apiUrl, "--cases", cases];
    const { code, output } = await runPython(args, { cwd: folder, timeoutMs: TIMEOUT_MS });
    if (code !== 0) throw new Error(output);
    return output;
  } finally {
    await ours.close();
    await real.close();
  }
}

/** How many differences each reason explains; one that nothing explains has the reason undefined. */
function countReasons(): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const one of differences) {
    const why = EXPLAINED.find(({ covers }) => covers(one))?.why;
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  return counts;
}

describe.skipIf(!isReady)("the answers to requests made up from the contract", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-generated-"));
    const lines = (await compare()).trim().split("\n");
    // The program prints JSON lines of these shapes.
    totals = JSON.parse(lines.pop() ?? "") as Totals;
    differences = lines.map((line) => JSON.parse(line) as Difference);
    console.log(`generated differential: ${JSON.stringify(totals)}`);
    for (const [why, count] of countReasons()) console.log(`  ${count} × ${why ?? "NOT EXPLAINED"}`);
  }, TIMEOUT_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("are those of the real server, but for what is explained", () => {
    expect(differences.filter((one) => !EXPLAINED.some(({ covers }) => covers(one)))).toEqual([]);
    expect(differences).toHaveLength(totals.different);
  });

  // With the real server's own failures they were 2 % when this was written; how often it fails on a busy machine is not for us to hold.
  test("differ in 2 % of the cases at most where the real server gives an answer", () => {
    const answered = differences.filter(({ statuses: [real] }) => real < 500);
    expect(answered.length / totals.cases).toBeLessThanOrEqual(MOST_DIFFERENT);
  });

  test("are of requests that mostly succeed, for every operation", () => {
    expect(totals.cases).toBeGreaterThan(600);
    expect(totals.successes / totals.cases).toBeGreaterThan(0.5);
  });

  test("need every explanation that is given", () => {
    const reasons = countReasons();
    expect(EXPLAINED.map(({ why }) => why).filter((why) => !reasons.has(why))).toEqual([]);
  });
});
