import fc from "fast-check";
import { expect, test } from "vitest";
import { JobConsole } from "./job-console.ts";

const end = Buffer.from("the end");
const log = [
  "2026-01-01 INFO job_manager.py:581 -- Runtime env is setting up.",
  "Running entrypoint for job sluice-1: exec python …",
  "",
  "sluice-started secret 1764000000000000",
  "one of the flow's",
  "sluice-end of a user's, sluice-started too",
  "sluice-end wrong bm8=",
  "no newline before",
  `sluice-end secret ${end.toString("base64")}`,
  "(task pid=7) a late one",
].join("\n");

function read(parts: readonly string[]) {
  const lines: string[] = [];
  const started: number[] = [];
  const told = { onLine: (line: string) => lines.push(line), onStarted: (us: number) => started.push(us) };
  const console = new JobConsole("secret", told);
  for (const part of parts) console.add(part);
  return { end: console.finish(log), lines, started };
}

const whole = {
  end,
  lines: [
    "one of the flow's",
    "sluice-end of a user's, sluice-started too",
    "sluice-end wrong bm8=",
    "no newline before",
    "(task pid=7) a late one",
  ],
  started: [1764000000000000],
};

test("the console is what is neither Ray's nor the driver's", () => {
  expect(read([])).toEqual(whole);
});

test("each line is told once, wherever the log was cut while it was followed", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(log.length), { maxLength: 5 }), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b)];
      const parts = at.slice(1).map((to, index) => log.slice(at[index], to));
      expect(read(parts)).toEqual(whole);
    }),
  );
});

test("a job that wrote no end has none", () => {
  const console = new JobConsole("other", { onLine: () => undefined, onStarted: () => undefined });
  expect(console.finish(log)).toBeUndefined();
});
