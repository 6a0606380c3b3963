/**
 * Measures and prints: `npm run bench -- [NAME …] [--json] [--peers] [--repeats N] [--case ID] [--small]`.
 *
 * Standard output holds the figures only: a table, or with `--json` one object a line. A case that fails is told on standard error, the
 * others go on, and the exit code is 1.
 */
import { parseArgs } from "node:util";
import { BENCH_NAMES, loadBench } from "./benches.ts";
import { runCase } from "./case-runner.ts";
import { currentVersions, joinRepeats, tableHeader, tableRow } from "./lines.ts";
import type { BenchCase, Sample, Scale } from "./sample.ts";

/** Enough for a median and a spread; more by `--repeats`. */
const DEFAULT_REPEATS = 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    peers: { type: "boolean", default: false },
    small: { type: "boolean", default: false },
    repeats: { type: "string" },
    case: { type: "string" },
  },
});
const scale: Scale = values.small ? "small" : "full";
const repeats = Number(values.repeats ?? (values.small ? 1 : DEFAULT_REPEATS));
if (!Number.isInteger(repeats) || repeats < 1) {
  throw new Error(`--repeats takes a whole number from 1, got "${values.repeats}".`);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130)); // ends the case by its exit listener

const versions = currentVersions();
const print = (text: string): boolean => process.stdout.write(`${text}\n`);
if (!values.json) print(tableHeader());
for (const name of positionals.length === 0 ? BENCH_NAMES : positionals) {
  const bench = await loadBench(name);
  for (const benchCase of bench.cases(scale)) {
    if (values.case !== undefined && benchCase.id !== values.case) continue;
    if (benchCase.peer !== undefined && !values.peers && benchCase.isAlwaysRun !== true) continue;
    for (const line of joinRepeats(await measureRepeats(name, benchCase), versions)) {
      print(values.json ? JSON.stringify(line) : tableRow(line));
    }
  }
}

async function measureRepeats(name: string, benchCase: BenchCase): Promise<Sample[]> {
  const samples: Sample[] = [];
  try {
    for (let repeat = 0; repeat < repeats; repeat++) samples.push(...(await runCase(name, benchCase, scale)));
  } catch (error) {
    process.exitCode = 1;
    const story = error instanceof Error ? error.message : String(error);
    process.stderr.write(`bench ${name}, case ${benchCase.id}: ${story}\n`);
  }
  return samples;
}
