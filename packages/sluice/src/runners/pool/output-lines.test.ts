import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { passLines } from "./output-lines.ts";

/** Passes two sources on to one target, as two children do. */
function twoSources(): { first: PassThrough; second: PassThrough; tail: () => string; written: () => Buffer } {
  const [first, second, target] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const chunks: Buffer[] = [];
  target.on("data", (chunk: Buffer) => chunks.push(chunk));
  passLines(second, target);
  return { first, second, tail: passLines(first, target), written: () => Buffer.concat(chunks) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("keeps the lines of two children apart and their bytes as they are", async () => {
  const { first, second, written } = twoSources();
  first.write(Buffer.from([0xff, 0x00]));
  await turn();
  second.write("whole line\n");
  await turn();
  first.write(Buffer.from([0x80, 0x0a]));
  await turn();
  expect(written()).toEqual(Buffer.concat([Buffer.from("whole line\n"), Buffer.from([0xff, 0x00, 0x80, 0x0a])]));
});

test("passes on what has no line end when the child ends, and gives its last words", async () => {
  const { first, tail, written } = twoSources();
  first.end(`${"x".repeat(10_000)}last words`);
  await turn();
  await turn();
  expect(written().toString()).toMatch(/xlast words$/);
  expect(tail()).toMatch(/^x{1,8192}last words$/);
});
