import { expect, test } from "vitest";
import { logBatches } from "./log-batches.ts";

test("log lines are cut to what the server takes, and batches of them too", () => {
  const small = JSON.stringify([{ message: "a" }]);
  expect(logBatches(small)).toEqual([small]);
  const lines = Array.from({ length: 12 }, (_, n) => ({ level: 20, message: String(n).padEnd(700_000, "x") }));
  const batches = logBatches(JSON.stringify(lines));
  const read = batches.map((batch) => JSON.parse(batch) as typeof lines);
  expect(read.map((batch) => batch.length)).toEqual([7, 5]);
  expect(read[0]?.[0]?.message.slice(-48)).toBe("xxx… (200000 more characters were cut off)".padStart(48, "x"));
  expect(Math.max(...batches.map(({ length }) => length))).toBeLessThan(4_000_001);
});
